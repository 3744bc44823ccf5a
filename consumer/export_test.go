package consumer

// CodeNames are the ClickHouse errors that classify knows, by code.
func CodeNames() map[int32]string {
	names := map[int32]string{}
	for code, m := range codes {
		names[code] = m.name
	}
	return names
}
