package graphsim

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// Page sizes of directory listings (Microsoft docs: paging; list users).
const (
	pageDefault   = 100
	pageMost      = 999
	pageMostLogin = 500 // with signInActivity
)

// listing is a request for one page of a collection.
type listing struct {
	path   string // below the version, with the group's id
	names  []string
	raw    string // $select as sent
	top    int
	topRaw string
	from   int // position of the first entry, opaque to clients
}

var unsupported = []string{"$filter", "$expand", "$orderby", "$search", "$skip"}

// parseList reads the query options or answers with the error.
func (c *call) parseList(path string) (*listing, bool) {
	for _, option := range unsupported {
		if c.query.Has(option) {
			c.fail(400, "Request_UnsupportedQuery", "The simulator does not support the query option "+option+".")
			return nil, false
		}
	}
	l := &listing{path: path, top: pageDefault, raw: c.query.Get("$select")}
	if l.raw != "" {
		for _, name := range strings.Split(l.raw, ",") {
			l.names = append(l.names, strings.TrimSpace(name))
		}
	}
	if l.topRaw = c.query.Get("$top"); l.topRaw != "" {
		n, err := strconv.Atoi(l.topRaw)
		if err != nil || n < 1 || n > pageMost {
			c.fail(400, "Request_UnsupportedQuery", fmt.Sprintf("Invalid page size specified: '%s'. Must be between 1 and 999 inclusive.", l.topRaw))
			return nil, false
		}
		l.top = n
	}
	if token := c.query.Get("$skiptoken"); token != "" {
		from, ok := c.openToken(path, token)
		if !ok {
			c.fail(400, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
			return nil, false
		}
		l.from = from
	}
	return l, true
}

// sealToken makes a page token that only this tenant's same collection opens.
func (c *call) sealToken(path string, at int) string {
	key := c.t.world.seed
	for i := range len(path) {
		key = mix(key ^ uint64(path[i]))
	}
	var raw [24]byte
	binary.BigEndian.PutUint64(raw[0:], 0x4453707402000100) // real tokens begin alike too
	binary.BigEndian.PutUint64(raw[8:], uint64(at)^mix(key))
	binary.BigEndian.PutUint64(raw[16:], mix(key^mix(uint64(at))))
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func (c *call) openToken(path, token string) (int, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 24 {
		return 0, false
	}
	key := c.t.world.seed
	for i := range len(path) {
		key = mix(key ^ uint64(path[i]))
	}
	at := int(binary.BigEndian.Uint64(raw[8:]) ^ mix(key))
	return at, at >= 0 && c.sealToken(path, at) == token
}

// appendHead writes the beginning of a page up to the opening of its values;
// next is the position of the following page, negative on the last.
func (c *call) appendHead(b []byte, l *listing, entity string, next int) []byte {
	b = append(b, `{"@odata.context":"`...)
	b = append(b, c.s.url...)
	b = append(b, '/')
	b = append(b, c.version...)
	b = append(b, `/$metadata#`...)
	b = append(b, entity...)
	if l.raw != "" {
		b = append(b, '(')
		b = append(b, l.raw...)
		b = append(b, ')')
	}
	b = append(b, '"')
	if link := c.nextLink(l, next); link != "" {
		b = append(b, `,"@odata.nextLink":`...)
		b = appendJSONString(b, link)
	}
	return append(b, `,"value":[`...)
}

func (c *call) nextLink(l *listing, next int) string {
	if c.fault != nil {
		switch c.fault.Kind {
		case "loop_next_link":
			return c.s.url + c.r.URL.RequestURI()
		case "foreign_next_link":
			return c.fault.URL
		}
	}
	if next < 0 {
		return ""
	}
	link := c.s.url + "/" + c.version + l.path + "?"
	if l.raw != "" {
		link += "$select=" + strings.ReplaceAll(url.QueryEscape(l.raw), "%2C", ",") + "&"
	}
	if l.topRaw != "" {
		link += "$top=" + l.topRaw + "&"
	}
	return link + "$skiptoken=" + c.sealToken(l.path, next)
}

// pages keeps the buffers of answers: a page of 999 users is some megabytes.
var pages = sync.Pool{New: func() any { b := make([]byte, 0, 1<<20); return &b }}

// userList is the common part of the three collections of users.
type userList struct {
	*listing
	entity string
	cols   []column
}

// parseUsers reads the options of a collection of users, with $select compiled
// and sign-in times permitted, or answers with the error.
func (c *call) parseUsers(path, entity string) (*userList, bool) {
	l, ok := c.parseList(path)
	if !ok {
		return nil, false
	}
	names := l.names
	if names == nil {
		names = userDefaults
	}
	cols, unknown := userColumns(names)
	if unknown != "" {
		c.badSelect(unknown, "microsoft.graph.user")
		return nil, false
	}
	for _, name := range names {
		if name != "signInActivity" {
			continue
		}
		if !c.allow(roleAuditLog) {
			return nil, false
		}
		if !c.t.current().Premium {
			c.fail(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C or tenant doesn't have premium license")
			return nil, false
		}
		l.top = min(l.top, pageMostLogin)
	}
	return &userList{l, entity, cols}, true
}

func (c *call) badSelect(name, kind string) {
	c.fail(400, "BadRequest", fmt.Sprintf("Parsing OData Select and Expand failed: Could not find a property named '%s' on type '%s'.", name, kind))
}
