// Package dashboard is the web page and the HTTP API. It shows what the shipped questions
// answer, by the same queries as the command line, and lets people set up connectors, leave
// seats alone and requeue dead letters. It defines no figure: rows are chosen, summed and
// drawn here, and what they mean stands in schemas/sql/queries.
//
// Pages are made on the server from templates; the small script only follows runs, fills in
// comparisons and submits nothing of its own. Scripts and styles come from this server
// alone, which the Content-Security-Policy holds browsers to.
package dashboard
