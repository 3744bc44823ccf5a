// Package embedded gives one machine the real parts seatstream runs on: a
// nats-server inside the process and a ClickHouse engine as a supervised child
// process. Neither is a stand-in. The same JetStream code and the same
// ClickHouse code serve here as on a cluster, and everything else of seatstream
// reaches them through an address.
//
// # The child
//
// ClickHouse comes as a shared library that takes over signals, memory and
// standard streams of the process it is loaded into, so it gets a process of
// its own: [Engine.Run] starts the running executable again with the argument
// [ChildCommand]. A program that uses an [Engine] must therefore hand over to
// [EngineMain] before it does anything else:
//
//	if len(os.Args) > 1 && os.Args[1] == embedded.ChildCommand {
//		os.Exit(embedded.EngineMain(os.Args[2:]))
//	}
//
// In tests these lines open TestMain.
//
// # What holds
//
//   - Acked means on disk, in both parts: JetStream syncs every write and every
//     inserted part is synced before the insert returns.
//   - Nothing listens off loopback unless the caller names another host.
//   - The engine never outlives its parent, however the parent ends.
//   - A crashed engine is back on the same ports in a fraction of a second.
//   - A directory serves one instance; a second one is refused by a lock which
//     the operating system drops with the last process that holds it.
//
// # What does not
//
// The default user of the engine has no password: whoever may open a connection
// on this machine may read the tables. And libchdb up to 26.7 aborts when a
// client fails before its login is done, with a wrong password, an unknown
// database or a connection reset (ClickHouse issue 115666, fixed in later
// releases); the engine is then restarted, and clients see one broken
// connection. Where either matters, name a ClickHouse server in the
// configuration instead.
package embedded
