// Package catalogue keeps what no tenant's Graph says: the names of products and what
// they contain, what they cost, who is left out of a question and why, and what was
// recommended. It reads the files people bring, says of every line that is wrong where
// and why, and stores a file whole or not at all.
package catalogue
