// Package graph reads one Microsoft 365 tenant through Microsoft Graph: users, groups,
// members, SKUs, subscriptions, the organization and the usage reports. It is the only
// importer of msgraph-sdk-go and azidentity.
//
// The SDK builds and sends every request; what comes back is decoded straight from the
// network into the record types of package schemas, one page at a time, because the
// SDK's own models cost some twenty-five times as much per user. Three rules hold for
// every request:
//
//   - a token is attached only after scheme, host and port were compared with the
//     configured Graph host, so no link in a response can carry it elsewhere;
//   - a listing that is not whole ends with an error, never with fewer entities;
//   - errors and log lines carry no secret, no token, no link of Graph's and no free text
//     of the sign-in service.
//
// A Limiter, shared by the clients of a process, keeps them within the limits that
// Microsoft documents, and holds back the tenant, or what else Graph names, when Graph
// asks for patience. What is optional (sign-in times, the concealment setting) is asked
// for by its own call and gives a typed error where permission or licence is missing;
// Probe tries everything out for an operator.
package graph
