/// Every option of `ternd serve`, in the order of the help. `Packaging/ternd.conf` names each with its standard, and a test holds the two together.
enum ServeOptions {
    /// A row is all that a new option needs: it is then read from the command line and from the file, checked against its range, and in the help.
    static let table: [Option] =
        [
            Option("--config", "FILE", "options from a file, KEY = VALUE a line; those of the command line win over it", isOfFile: false),
            Option(flag: "--check", "validate all of it, a line each, without serving", isOfFile: false),
        ]
        + ModelOptions.table
        + [
            Option("--store", "DIR", "take the model that is chosen in this store instead of --model; see ternd model --help", isReloaded: true),
            Option("--operating-point", "NAME", "thresholds of this name instead of the model's default ones; ternd info lists them", isReloaded: true),
            Option("--socket", "PATH", "where to listen, mode 0660; without it the socket that the service manager gives"),
            Option("--socket-group", "G", "the group of the socket, a name of /etc/group or a number; that of the process when not given"),
            Option(
                "--allow-user", "LIST",
                "users who may change something, names of /etc/passwd or numbers with commas between them; who else can connect may read"),
            Option("--frames", "PATH", "where to take live frames and studies in sealed memory, mode 0660; see docs/socket.md"),
            Option("--state", "DIR", "made when missing; one service at a time"),
            Option("--watch", "DIR", "read the files that are put into this folder too; they end in DIR/done or DIR/failed"),
            Option("--outbox", "DIR", "write each result for other programs into this folder, made when missing, before it is recorded"),
            Option("--outbox-forms", "LIST", OutboxWriter.Form.help),
            Option(flag: "--maps", "keep where the model looked: findings say where they are, and GET /v1/findings/ID/map.jpg shows it; see docs/where.md"),
            Option("--maps-bytes", "BYTES", (1 << 20)...(1 << 50), standard: 256 << 20, "of the maps that are kept; the oldest go first"),
            Option("--queue", "N", 1...1000, standard: 8, "studies that may wait"),
            Option("--max-body", "BYTES", 1024...(1 << 30), standard: 64 << 20, "of one study"),
            Option("--client-timeout", "S", 1...3600, standard: 30, "seconds for a client to send its request and to take its answer"),
            Option("--keep", "N", 1...100_000, standard: 1000, "results kept in memory for streams"),
            Option("--segment-bytes", "BYTES", 4096...(64 << 20), standard: 8 << 20, "of findings.jsonl, when it is closed and a new one begun"),
            Option("--retain-days", "DAYS", 0...36_500, standard: 0, "read results are removed so long after they were recorded; 0 keeps them"),
            Option("--retain-bytes", "BYTES", 0...(1 << 50), standard: 0, "read results are removed, the oldest first, when all have more; 0 keeps them"),
            Option(flag: "--require-sandbox", "refuse to start (69) when this kernel cannot enforce the whole sandbox"),
            Option(flag: "--no-sandbox", "for debuggers: keep every file and system call within reach"),
        ]
}
