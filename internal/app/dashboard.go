package app

import (
	"context"
	"path/filepath"

	"github.com/seatstream/seatstream/dashboard"
)

// page is the configuration of the page.
func (a *App) page(local bool) (cfg dashboard.Config, err error) {
	cfg = dashboard.Config{Listen: a.Config.Dashboard.Listen, Version: a.Version}
	for _, t := range a.Config.Dashboard.Tokens {
		secret, err := a.Secrets().Value("token "+t.Name+" of the dashboard", t.Token)
		if err != nil {
			return cfg, err
		}
		cfg.Tokens = append(cfg.Tokens, dashboard.Token{Name: t.Name, Secret: secret, Role: dashboard.ParseRole(t.Role), Tenants: t.Tenants})
	}
	if local {
		if cfg.SecretDir, err = filepath.Abs(filepath.Join(a.Config.DataDir, "secrets")); err != nil {
			return cfg, err
		}
	}
	return cfg, cfg.Check()
}

// Dashboard returns the page. local says that producers run in this process: a secret that
// is pasted into the page can then be kept in the data directory.
func (a *App) Dashboard(ctx context.Context, local bool) (*dashboard.Server, error) {
	cfg, err := a.page(local)
	if err != nil {
		return nil, err
	}
	registry, err := a.Registry(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := a.Consumer(ctx)
	if err != nil {
		return nil, err
	}
	return dashboard.New(cfg, dashboard.Deps{DB: a.ch, Registry: registry, Consumer: stored, Secrets: a.Secrets(), Log: a.Log})
}
