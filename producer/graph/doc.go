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
//   - errors and log lines carry no secret, no token, no download link and no free text
//     of the sign-in service.
package graph
