// Package prices estimates what a call of a model cost where the client sent
// no cost (wire facts §11).
//
// A Table is read from a price file in the format of LiteLLM: an object of
// model name → prices in USD per token. Two things go beyond that format: a
// model may have a list of objects instead of one, and each may say from when
// it is in force ("effective_from": "2026-01-01" or an RFC 3339 time); the one
// in force when a run started counts. Members that begin with an underscore
// describe the file.
//
// Arithmetic is exact: prices are decimals of 1e-24 USD, products are rounded
// once, half to even, to the 1e-12 USD of rollup.Money; floats are not used.
// A Table never changes after it was made and may be used by many goroutines.
// Equal tables give equal answers: no clock, no order of maps.
//
// What it does not price: batch, flex and priority tiers, audio, pictures,
// tools and searches, and cache writes that live longer than the default. A
// model that is not in the table has no price, which is not a price of zero.
package prices
