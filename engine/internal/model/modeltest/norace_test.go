//go:build !race

package modeltest

const defaultHistories = 150
