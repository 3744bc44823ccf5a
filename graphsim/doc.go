// Package graphsim is a Microsoft Graph simulator served over real HTTPS with
// its own certificate authority. It answers the token endpoint, the directory
// listings and the usage reports with the wire shapes that Microsoft documents,
// and it can be told to fail in every way a collector has to survive.
//
// A simulated tenant is never held in memory: every person, licence and
// activity is a pure function of (seed, index, day), so a tenant of a million
// users costs as much memory as one of ten, and two servers with the same seed
// and day answer with the same bytes.
//
//	sim, err := graphsim.New(graphsim.Config{Tenants: []graphsim.TenantConfig{{Domain: "contoso.onmicrosoft.com", Users: 500}}})
//	go sim.Run(ctx)
//	sim.On("GET /users").After(3).Times(1).Do(graphsim.Throttle("7"))
//	sim.Advance(5)
//
// The same control is offered to other processes under /_sim/, to loopback
// peers only.
package graphsim
