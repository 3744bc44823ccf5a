// Package clock tests schedules against a real nats-server on an injected clock: server,
// producers and connectors live in a testing/synctest bubble, whose time passes as soon as
// nothing is left to do. The Graph simulator stays outside, behind real HTTPS. It is a package of its own
// because a bubble must not meet goroutines that other tests' servers share.
package clock
