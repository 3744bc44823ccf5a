package doctor

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/schemas"
)

func clickhouseChecks(ctx context.Context, db driver.Conn) ([]Check, error) {
	var version string
	var now time.Time
	asked := time.Now()
	if err := db.QueryRow(ctx, "SELECT version(), now64(6, 'UTC')").Scan(&version, &now); err != nil {
		return nil, fmt.Errorf("ask ClickHouse: %w", err)
	}
	checks := []Check{judge(Check{
		Part: "ClickHouse", Name: "version", Found: version, Wanted: "25.1 or later",
		Why: "views with parameters, deduplication in dependent views", Remedy: "update ClickHouse",
	}, atLeast(version, [2]int{25, 1}), Fail), clock("ClickHouse", asked, time.Now(), now), asyncInsert(ctx, db)}
	windows, err := dedupWindows(ctx, db)
	if err != nil {
		return nil, err
	}
	checks = append(checks, windows...)
	return append(checks, fsync(ctx, db), grants(ctx, db), disk(ctx, db)), nil
}

// asyncInsert sets what inserts set and asks the server what it makes of it.
func asyncInsert(ctx context.Context, db driver.Conn) Check {
	c := Check{
		Part: "ClickHouse", Name: "async_insert, as inserts set it", Wanted: "0", Why: "an insert must return when its rows are stored, not when they are queued",
		Remedy: "take constraints on async_insert out of the user's profile",
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"async_insert": 0}))
	err := db.QueryRow(ctx, "SELECT toString(toUInt8(getSetting('async_insert')))").Scan(&c.Found)
	if err != nil {
		c.Found = "refused: " + err.Error()
	}
	return judge(c, c.Found == "0", Fail)
}

var windowSetting = regexp.MustCompile(`non_replicated_deduplication_window = (\d+)`)

// dedupWindows looks at every table that takes inserts; those that are right are one check.
func dedupWindows(ctx context.Context, db driver.Conn) ([]Check, error) {
	rows, err := db.Query(ctx, `SELECT name, engine, engine_full FROM system.tables
		WHERE database = $1 AND engine LIKE '%MergeTree' AND (name LIKE '%\_changes' OR name || '_feed' IN (SELECT name FROM system.tables WHERE database = $1))
		ORDER BY name`, schemas.Database)
	if err != nil {
		return nil, fmt.Errorf("look at tables: %w", err)
	}
	defer rows.Close()
	const least = 1000
	c := Check{
		Part: "ClickHouse", Name: "non_replicated_deduplication_window", Wanted: strconv.Itoa(least) + " or more for every table",
		Why: "an insert whose answer was lost is sent again, and refused by its token",
	}
	var right int
	var wrong []Check
	for rows.Next() {
		var name, engine, full string
		if err := rows.Scan(&name, &engine, &full); err != nil {
			return nil, fmt.Errorf("look at tables: %w", err)
		}
		window := 0
		if m := windowSetting.FindStringSubmatch(full); m != nil {
			window, _ = strconv.Atoi(m[1]) // digits
		}
		if window >= least || strings.HasPrefix(engine, "Replicated") {
			right++
			continue
		}
		bad := c
		bad.Found, bad.Status = fmt.Sprintf("%d for %s", window, name), Fail
		bad.Remedy = fmt.Sprintf("ALTER TABLE %s.%s MODIFY SETTING non_replicated_deduplication_window = 10000", schemas.Database, name)
		wrong = append(wrong, bad)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look at tables: %w", err)
	}
	if right == 0 && wrong == nil {
		c.Found, c.Status, c.Remedy = "no tables", Fail, "start seatstream up or consumer: it makes them"
		return []Check{c}, nil
	}
	if wrong == nil {
		c.Found, c.Status = fmt.Sprintf("so for %d tables", right), OK
		return []Check{c}, nil
	}
	return wrong, nil
}

func fsync(ctx context.Context, db driver.Conn) Check {
	c := Check{
		Part: "ClickHouse", Name: "fsync of inserts and merges", Wanted: "on, unless tables are replicated",
		Why:    "a power cut can lose rows that were acknowledged; seatstream verify --repair finds them",
		Remedy: "in merge_tree settings: fsync_after_insert 1, fsync_part_directory 1, min_rows_to_fsync_after_merge 1",
	}
	var inserts, merges string
	err := db.QueryRow(ctx, `SELECT anyIf(value, name = 'fsync_after_insert'), anyIf(value, name = 'min_rows_to_fsync_after_merge')
		FROM system.merge_tree_settings`).Scan(&inserts, &merges)
	if err != nil {
		c.Found, c.Status = err.Error(), Unseen
		return c
	}
	c.Found = "fsync_after_insert " + inserts + ", min_rows_to_fsync_after_merge " + merges
	return judge(c, inserts == "1" && merges != "0", Warn)
}

// needed are the grants of the consumer and of the operator's commands.
var needed = []string{"SELECT", "INSERT", "CREATE TABLE", "CREATE VIEW", "ALTER TABLE", "DROP TABLE", "DROP VIEW"}

func grants(ctx context.Context, db driver.Conn) Check {
	c := Check{
		Part: "ClickHouse", Name: "grants", Wanted: strings.Join(needed, ", ") + " on " + schemas.Database + ".*",
		Why: "the consumer makes tables and inserts, verify --repair and erase delete",
	}
	var missing []string
	for _, g := range needed {
		var granted uint8
		if err := db.QueryRow(ctx, "CHECK GRANT "+g+" ON "+schemas.Database+".*").Scan(&granted); err != nil {
			c.Found, c.Status = err.Error(), Unseen
			c.Remedy = "SHOW GRANTS shows what the user may do"
			return c
		}
		if granted == 0 {
			missing = append(missing, g)
		}
	}
	c.Found = "all"
	if missing != nil {
		c.Found = "missing: " + strings.Join(missing, ", ")
		c.Remedy = "GRANT " + strings.Join(missing, ", ") + " ON " + schemas.Database + ".* TO the user of clickhouse.dsn"
	}
	return judge(c, missing == nil, Fail)
}

func disk(ctx context.Context, db driver.Conn) Check {
	c := Check{
		Part: "ClickHouse", Name: "disk", Wanted: "more than 10 % free", Why: "merges need room; a full disk stops every insert",
		Remedy: "give the disk more room",
	}
	var name string
	var free, total uint64
	err := db.QueryRow(ctx, "SELECT name, free_space, total_space FROM system.disks ORDER BY free_space / total_space LIMIT 1").Scan(&name, &free, &total)
	if err != nil {
		c.Found, c.Status = err.Error(), Unseen
		return c
	}
	c.Found = fmt.Sprintf("%s: %d of %d GB free", name, free>>30, total>>30)
	return judge(c, free > total/10, Warn)
}
