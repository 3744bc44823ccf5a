package producer_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// connector is one that is valid.
func connector(name string) producer.Connector {
	c := producer.Connector{
		Name: name, Tenant: "contoso.onmicrosoft.com", ClientID: "3c4d5e6f-7081-4293-a4b5-c6d7e8f90a1b", ClientSecret: "env:SECRET",
	}
	c.Default()
	return c
}

func TestConnectorDefaults(t *testing.T) {
	t.Parallel()
	c := producer.Connector{Name: "c", Tenant: " contoso.com ", ClientID: " 3C4D5E6F-7081-4293-A4B5-C6D7E8F90A1B", ClientSecret: "env:S"}
	c.Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.Cloud != "global" || c.Endpoint != producer.DefaultEndpoint || c.Tenant != "contoso.com" || c.Schedule != producer.DefaultSchedule {
		t.Errorf("%+v", c)
	}
	specs, err := c.ReportSpecs()
	if err != nil || len(specs) == 0 || len(specs) == len(schemas.Reports()) {
		t.Errorf("%d reports of %d, %v: want those the shipped queries use", len(specs), len(schemas.Reports()), err)
	}
	c.Reports = []string{"getTeamsUserActivityUserDetail"}
	if specs, err = c.ReportSpecs(); err != nil || len(specs) != 1 || specs[0].Function != c.Reports[0] {
		t.Errorf("%d reports, %v; want the one that is named", len(specs), err)
	}
}

func TestConnectorValidate(t *testing.T) {
	t.Parallel()
	for field, tc := range map[string]struct {
		set func(*producer.Connector)
		bad bool
	}{
		"name":               {func(c *producer.Connector) { c.Name = "Contoso" }, true},
		"name ":              {func(c *producer.Connector) { c.Name = "" }, true},
		"name .":             {func(c *producer.Connector) { c.Name = "a.b" }, true},
		"name >":             {func(c *producer.Connector) { c.Name = "a>" }, true},
		"name 64":            {func(c *producer.Connector) { c.Name = strings.Repeat("a", 64) }, true},
		"name 63":            {func(c *producer.Connector) { c.Name = strings.Repeat("a", 63) }, false},
		"tenant":             {func(c *producer.Connector) { c.Tenant = "contoso" }, true},
		"tenant /":           {func(c *producer.Connector) { c.Tenant = "contoso.com/x" }, true},
		"tenant id":          {func(c *producer.Connector) { c.Tenant = "3C4D5E6F-7081-4293-A4B5-C6D7E8F90A1B" }, false},
		"client_id":          {func(c *producer.Connector) { c.ClientID = "hunter2" }, true},
		"client_secret":      {func(c *producer.Connector) { c.ClientSecret = "" }, true},
		"cloud":              {func(c *producer.Connector) { c.Cloud = "mars" }, true},
		"cloud china":        {func(c *producer.Connector) { c.Cloud = "china" }, false},
		"endpoint":           {func(c *producer.Connector) { c.Endpoint = "a.b" }, true},
		"endpoint *":         {func(c *producer.Connector) { c.Endpoint = "*" }, true},
		"schedule":           {func(c *producer.Connector) { c.Schedule.FirstDay = time.Second }, true},
		"schedule then":      {func(c *producer.Connector) { c.Schedule.Then = -time.Hour }, true},
		"schedule cron":      {func(c *producer.Connector) { c.Schedule.Cron = "0 6 * *" }, true},
		"schedule cron good": {func(c *producer.Connector) { c.Schedule.Cron, c.Schedule.TimeZone = "0 6 * * 1-5", "Europe/Berlin" }, false},
		"schedule zone":      {func(c *producer.Connector) { c.Schedule.Cron, c.Schedule.TimeZone = "0 6 * * *", "Mars/Olympus" }, true},
		"schedule zone only": {func(c *producer.Connector) { c.Schedule.TimeZone = "Europe/Berlin" }, true},
		"reports":            {func(c *producer.Connector) { c.Reports = []string{"getNothing"} }, true},
		"graph_url":          {func(c *producer.Connector) { c.GraphURL = "http://graph.example.net" }, true},
		"graph_url user":     {func(c *producer.Connector) { c.GraphURL = "https://u:p@graph.example.net" }, true},
		"graph_url no host":  {func(c *producer.Connector) { c.GraphURL = "https:///x" }, true},
		"graph_url good":     {func(c *producer.Connector) { c.GraphURL = "https://127.0.0.1:8443" }, false},
		"authority_url":      {func(c *producer.Connector) { c.AuthorityURL = "login.example.net" }, true},
	} {
		c := connector("contoso")
		tc.set(&c)
		err := c.Validate()
		if (err != nil) != tc.bad {
			t.Errorf("%s: %v", field, err)
		}
		// The message must name the connector and the field as it is written.
		if key, _, _ := strings.Cut(field, " "); err != nil && (!strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), `connector "`)) {
			t.Errorf("%s: %q does not say which field of which connector", field, err)
		}
	}
}

func TestConnectorReportsAllFaultsAndNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "Xy8Q~hunter2hunter2hunter2"
	c := producer.Connector{Name: "c", Tenant: "x", ClientID: secret, ClientSecret: secret, Cloud: "mars", Endpoint: "default"}
	c.Schedule.Default()
	err := c.Validate()
	if err == nil {
		t.Fatal("valid")
	}
	for _, field := range []string{"tenant", "client_id", "client_secret", "cloud"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not reported: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error repeats what may be a secret: %v", err)
	}
}

func TestSecretRef(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	const id = "3c4d5e6f-7081-4293-a4b5-c6d7e8f90a1b"
	t.Setenv("SEATSTREAM_TEST_SECRET", "from-env")
	t.Setenv("SEATSTREAM_TEST_EMPTY", "")
	t.Setenv("SEATSTREAM_TEST_ID", id)
	const literal = "Xy8Q~hunter2:hunter2"
	for ref, want := range map[string]string{
		"env:SEATSTREAM_TEST_SECRET": "from-env",
		write("good", "from-file\n"): "from-file",
		"env:SEATSTREAM_TEST_EMPTY":  "",
		"env:SEATSTREAM_TEST_NONE":   "",
		"env:SEATSTREAM_TEST_ID":     "",
		"env:":                       "",
		"file:":                      "",
		write("empty", " \n"):        "",
		write("id", id):              "",
		"file:" + dir + "/none":      "",
		"":                           "",
		literal:                      "",
		id:                           "",
		strings.ToUpper(id):          "",
		"vault:secret/contoso":       "",
	} {
		got, err := producer.SecretRef(ref).Resolve()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", ref, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), id)) {
			t.Errorf("%q: the error repeats a secret or its id: %v", ref, err)
		}
	}
	for _, ref := range []string{id, "env:SEATSTREAM_TEST_ID", "file:" + dir + "/id"} {
		if _, err := producer.SecretRef(ref).Resolve(); !errors.Is(err, producer.ErrSecretID) {
			t.Errorf("%q: %v; want to hear that this is the secret's id", ref, err)
		}
	}
}

// TestSecretIsReadAgain: a secret that is rotated works without a restart.
func TestSecretIsReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := producer.SecretRef("file:" + path).Resolve(); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}
