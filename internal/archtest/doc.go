// Package archtest holds the rules of who may import whom, with the reason beside each.
// It has tests only.
package archtest
