import TernModel
import TernPlatform
import TernStore

/// `ternd model`: what is in a store, and which model of it is in use.
enum ModelCommand: String {
    case add
    case use
    case list
    case markGood = "mark-good"
    case rollback

    static let table: [Option] =
        [Option("--store", "DIR", "the store; made when missing")] + ModelOptions.table.filter { $0.name != "--model" }
}

/// `ternd model`.
func runModel(_ words: [String]) throws(Failure) -> ExitCode {
    guard let command = words.first.flatMap({ ModelCommand(rawValue: $0) }) else {
        throw Failure(.usage, "model: add, use, list, mark-good or rollback; see ternd model --help")
    }
    let arguments = try Arguments(Array(words.dropFirst()), verb: "model", table: ModelCommand.table)
    let wanted = command == .add || command == .use ? 1 : 0
    guard arguments.operands.count == wanted else {
        throw Failure(.usage, "model: \(command.rawValue) takes \(wanted == 0 ? "no operand" : command == .add ? "one model file" : "one digest"); see ternd model --help")
    }
    var options = try ModelOptions(arguments, isOptional: true)
    let path = try arguments.required("--store")
    let writer = try store { () throws(StoreError) in try ModelStoreWriter(path: path) }
    switch command {
    case .add: try add(arguments.operands[0], to: writer, &options)
    case .use:
        let digest = try store { () throws(StoreError) in try writer.digest(beginning: arguments.operands[0]) }
        options.path = writer.store.path(of: digest)
        let words = try prove(options, digest)
        let selection = try store { () throws(StoreError) in try writer.use(digest) }
        try put("\(digest) \(words) is in use from the next start or SIGHUP on" + (selection.isMarkedGood ? ", marked good\n" : "\n"))
    case .list: try list(writer, options)
    case .markGood:
        let selection = try store { () throws(StoreError) in try writer.markGood() }
        try put("\(selection.current) is marked good\n")
    case .rollback:
        let selection = try store { () throws(StoreError) in try writer.rollBack() }
        try put("\(selection.current), marked good, is in use from the next start or SIGHUP on\n")
    }
    return .ok
}

private func store<Result>(_ body: () throws(StoreError) -> Result) throws(Failure) -> Result {
    do throws(StoreError) { return try body() } catch { throw Failure(error) }
}

/// Puts a model file into the store once it is proved, and reads what was written.
private func add(_ path: String, to writer: ModelStoreWriter, _ options: inout ModelOptions) throws(Failure) {
    options.path = path
    let model = try options.open()
    let digest = Hexadecimal.string(model.identity)
    _ = try prove(options, digest)
    let bytes = model.fileBytes
    do throws(StoreError) { try writer.add(bytes, digest: digest) } catch { throw Failure(error) }
    options.path = writer.store.path(of: digest)
    do throws(Failure) {
        let words = try prove(options, digest)
        try put("\(digest) \(words)\n")
    } catch {
        writer.discard(digest)
        throw error
    }
}

/// Opens, validates and runs the golden vectors; gives the model's name, version and signer.
private func prove(_ options: ModelOptions, _ digest: String) throws(Failure) -> String {
    let model = try options.open()
    guard Hexadecimal.string(model.identity) == digest else { throw Failure(.badInput, "model refused: the store's file is another model than its name says") }
    try options.prove(try options.engine(model))
    return "\(model.header.name) \(model.header.version) (\(options.signer(of: model)))"
}

private func list(_ writer: ModelStoreWriter, _ options: ModelOptions) throws(Failure) {
    let selection = try? writer.store.selection()
    var options = options
    for digest in try store({ () throws(StoreError) in try writer.digests() }) {
        options.path = writer.store.path(of: digest)
        var text = digest
        do throws(Failure) {
            let model = try options.open()
            text += " \(model.header.name) \(model.header.version) (\(options.signer(of: model)))"
        } catch {
            text += " " + error.message
        }
        if digest == selection?.current { text += ", in use" }
        if digest == selection?.good { text += ", marked good" }
        if digest == selection?.before { text += ", good before" }
        try put(printable(text + "\n"))
    }
}
