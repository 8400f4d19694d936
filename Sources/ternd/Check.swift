import TernPlatform
import TernService
import TernStore

/// `ternd serve --check`: a line for each thing that a start needs. The code is that of the first that fails.
func runCheck(_ arguments: Arguments) throws(Failure) -> ExitCode {
    var checks = Checks()
    var loader = try ModelLoader(arguments, readsTrust: false)
    _ = try (arguments.socketGroup(), arguments.allowedUsers())
    try put("options: ok\n")
    try checks.run("trust") { () throws(Failure) in
        try loader.readTrust()
        return loader.options.trust.map { "\($0.keys.count) keys" } ?? "any valid signature"
    }
    let isTrusting = checks.code == .ok
    try checks.run("model") { () throws(Failure) in
        guard isTrusting else { throw Failure(.cannotOpen, "not looked at without the trust file") }
        let choice = try loader.choice()
        guard let model = try loader.load(choice) else { return "" }
        let place = choice?.isRolledBack == true ? ", marked good, in the place of one that failed" : ""
        return "\(model.words), digest \(model.key.digest), \(model.identity.goldenVectorCount) golden vectors agree on \(model.key.instructionSet)\(place)"
    }
    try checks.run("state") { () throws(Failure) in try checkState(loader.statePath) }
    try checks.run("socket") { () throws(Failure) in
        guard let path = arguments.value("--socket") else { return "that of the service manager" }
        do throws(SocketError) { try Installation.checkSocketPath(path) } catch { throw Failure(error) }
        return path
    }
    if let path = arguments.value("--outbox") { try checks.run("outbox") { () throws(Failure) in try arguments.checkOutbox(path) } }
    if let path = arguments.value("--watch") {
        try checks.run("watch") { () throws(Failure) in
            do throws(PlatformError) { try Installation.checkDirectory(path) } catch {
                guard error == .openFailed(errno: 2) else { throw Failure(error, "watch") }
                guard realPath(Sandbox.Folder.parent(of: path)) != nil || arguments.has("--no-sandbox") else { throw .noFolderAboveWatched }
                return "\(path), which is not there yet"
            }
            return path
        }
    }
    return checks.code
}

/// What the checks have found so far.
private struct Checks {
    var code = ExitCode.ok

    func add(_ name: String, _ words: String) throws(Failure) { try put("\(name): ok: \(words)\n") }

    mutating func run(_ name: String, _ check: () throws(Failure) -> String) throws(Failure) {
        let words: String
        do throws(Failure) { words = try check() } catch {
            if code == .ok { code = error.code }
            return try put("\(name): FAILED: \(error.message)\n")
        }
        try add(name, words)
    }
}

/// Takes the lock of a state directory that is there and gives it back, and reads what a start reads; makes and changes nothing.
private func checkState(_ path: String) throws(Failure) -> String {
    do throws(PlatformError) { try Installation.checkDirectory(path) } catch {
        guard error == .openFailed(errno: 2) else { throw Failure(error, "state directory") }
        var parent = Array(path.utf8)
        while parent.count > 1, parent.last == 0x2F { parent.removeLast() }
        if let slash = parent.lastIndex(of: 0x2F) { parent = slash == 0 ? [0x2F] : Array(parent[..<slash]) } else { parent = [0x2E] }
        do throws(PlatformError) { try Installation.checkDirectory(String(decoding: parent, as: UTF8.self)) } catch {
            throw Failure(error, "state directory's parent")
        }
        return "\(path), which the start makes"
    }
    var directory: StateDirectory?
    do throws(Failure) {
        // A lock that is made here would be this user's.
        if realPath(path + "/lock") != nil { directory = try openState(path) }
    } catch {
        guard error.code == .busy else { throw error }
        return "\(path), in use by a service that runs"
    }
    defer { withExtendedLifetime(directory) {} }
    do throws(ServiceError) { try StoredState.check(path: path) } catch { throw Failure(error) }
    return path
}

extension Failure {
    /// What the operating system says of a path of the installation.
    init(_ error: PlatformError, _ name: String) {
        if case .openFailed(let errno) = error {
            self.init(ExitCode(errno: errno, otherwise: .cannotOpen), "\(name): \(reason(errno))")
        } else {
            self.init(.cannotOpen, "\(name): a bad path")
        }
    }
}
