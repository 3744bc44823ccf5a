package graphsim

import "slices"

// serveUsers answers a page of /users.
func serveUsers(c *call) {
	if !c.allow(roleUser, roleDirectory) {
		return
	}
	l, ok := c.parseUsers("/users", "users")
	if !ok {
		return
	}
	day := c.s.Day()
	buf := pages.Get().(*[]byte)
	defer pages.Put(buf)
	*buf = c.appendUsersPage((*buf)[:0], l, day)
	c.writeBody(*buf)
}

// appendUsersPage writes the page whose first user is at or after l.from.
func (c *call) appendUsersPage(b []byte, l *userList, day int) []byte {
	w := c.t.world
	first := w.next(l.from, day)
	next := first
	for n := 0; n < l.top && next >= 0; n++ {
		next = w.next(next+1, day)
	}
	b = c.appendHead(b, l.listing, l.entity, next)
	var p person
	for i := first; i >= 0 && i != next; i = w.next(i+1, day) {
		if i != first {
			b = append(b, ',')
		}
		w.fill(&p, i, day)
		b = w.appendUser(b, &p, l.cols, "")
	}
	return append(b, `]}`...)
}

// serveUser answers one user by id or user principal name. It has to look at
// all users to find one, since none is stored.
func serveUser(c *call, key string) {
	if !c.allow(roleUser, roleDirectory) {
		return
	}
	l, ok := c.parseUsers("/users/{id}", "users")
	if !ok {
		return
	}
	w, day := c.t.world, c.s.Day()
	var p person
	var id [36]byte
	for i := w.next(0, day); i >= 0; i = w.next(i+1, day) {
		w.fill(&p, i, day)
		if string(w.appendID(id[:0], &p)) == key || string(w.upn(&p)) == key {
			b := c.appendHead(nil, l.listing, l.entity, -1)
			b = b[:len(b)-len(`,"value":[`)-1]
			b = append(b, `/$entity",`...)
			c.writeBody(append(b, w.appendUser(nil, &p, l.cols, "")[1:]...))
			return
		}
	}
	c.fail(404, "Request_ResourceNotFound", "Resource '"+key+"' does not exist or one of its queried reference-property objects are not present.")
}

// serveDeletedUsers answers a page of the deleted users, newest first.
func serveDeletedUsers(c *call) {
	if !c.allow(roleUser, roleDirectory) {
		return
	}
	l, ok := c.parseUsers("/directory/deletedItems/microsoft.graph.user", "users")
	if !ok {
		return
	}
	w, day := c.t.world, c.s.Day()
	last := w.turnover.by(day) - 1
	next := -1
	var rows []byte
	var p person
	for n := l.from; ; n++ {
		i := w.leaver(last - n)
		if i >= 0 && w.wasRestored(i) {
			continue
		}
		if i < 0 || i >= w.end(day) || w.left(i) > day || w.left(i) <= day-goneShown {
			break
		}
		if n == l.from+l.top {
			next = n
			break
		}
		if len(rows) > 0 {
			rows = append(rows, ',')
		}
		w.fill(&p, i, day)
		rows = w.appendUser(rows, &p, l.cols, "")
	}
	b := c.appendHead(nil, l.listing, l.entity, next)
	b = append(b, rows...)
	c.writeBody(append(b, `]}`...))
}

// serveMembers answers a page of a group's direct members. cast is the path
// that lists users only.
func serveMembers(c *call, id string, cast bool) {
	if !c.allow(roleGroupMember, roleGroup, roleDirectory) {
		return
	}
	w, day := c.t.world, c.s.Day()
	g := w.groupByID(id)
	if g == nil {
		c.noGroup(id)
		return
	}
	path, entity, lead := "/groups/"+id+"/members", "directoryObjects", `"@odata.type":"#microsoft.graph.user"`
	if cast {
		path, entity, lead = path+"/microsoft.graph.user", "users", ""
	}
	l, ok := c.parseUsers(path, entity)
	if !ok {
		return
	}
	buf := pages.Get().(*[]byte)
	defer pages.Put(buf)
	rows := (*buf)[:0]
	first, end := w.span(g, day)
	next, n := -1, 0
	var p person
	for i := w.next(max(first, l.from), day); i >= 0 && i < end; i = w.next(i+1, day) {
		w.fill(&p, i, day)
		if !g.has(&p) {
			continue
		}
		if n == l.top {
			next = i
			break
		}
		if n > 0 {
			rows = append(rows, ',')
		}
		n++
		rows = w.appendUser(rows, &p, l.cols, lead)
	}
	*buf = rows
	b := c.appendHead(make([]byte, 0, len(rows)+1024), l.listing, entity, next)
	b = append(b, rows...)
	c.writeBody(append(b, `]}`...))
}

func (c *call) noGroup(id string) {
	c.fail(404, "Request_ResourceNotFound", "Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.")
}

// serveGroups answers a page of /groups.
func serveGroups(c *call) {
	if !c.allow(roleGroup, roleDirectory) {
		return
	}
	l, ok := c.parseList("/groups")
	if !ok {
		return
	}
	names, ok := c.groupNames(l)
	if !ok {
		return
	}
	w := c.t.world
	end := min(l.from+l.top, len(w.groups))
	next := -1
	if end < len(w.groups) {
		next = end
	}
	b := c.appendHead(nil, l, "groups", next)
	for i := l.from; i < end; i++ {
		if i > l.from {
			b = append(b, ',')
		}
		b = w.appendGroup(b, &w.groups[i], names)
	}
	c.writeBody(append(b, `]}`...))
}

func serveGroup(c *call, id string) {
	if !c.allow(roleGroup, roleDirectory) {
		return
	}
	l, ok := c.parseList("/groups/{id}")
	if !ok {
		return
	}
	names, ok := c.groupNames(l)
	if !ok {
		return
	}
	g := c.t.world.groupByID(id)
	if g == nil {
		c.noGroup(id)
		return
	}
	c.writeBody(c.t.world.appendGroup(nil, g, names))
}

func (c *call) groupNames(l *listing) ([]string, bool) {
	names := l.names
	if names == nil {
		names = groupDefaults
	}
	i := slices.IndexFunc(names, func(n string) bool { return groupFields[n] == nil })
	if i >= 0 {
		c.badSelect(names[i], "microsoft.graph.group")
		return nil, false
	}
	return names, true
}
