import TernPlatform
import TernService

/// What `serve` gives up on its way to being ready.
struct Confinement {
    static let flags = ["--no-sandbox", "--require-sandbox"]

    private let isRequired: Bool
    /// Looked up while /etc/group is in reach.
    let socketGroup: Int?
    private(set) var sandbox = Sandbox()

    init(_ arguments: Arguments) throws(Failure) {
        isRequired = arguments.has("--require-sandbox")
        socketGroup = try arguments.socketGroup()
        sandbox.isWanted = !arguments.has("--no-sandbox")
        if isRequired, !sandbox.isWanted { throw Failure(.usage, "serve: --no-sandbox and --require-sandbox exclude each other") }
        // What finds its connection open later needs no new one.
        Process.notifyManager("")
    }

    /// Once the state directory is there, and before the first thread: Landlock is a matter of the thread that asks for it.
    mutating func restrictFiles(_ arguments: Arguments) throws(Failure) {
        guard sandbox.isWanted else { return }
        var folders: [Sandbox.Folder] = []
        if let path = arguments.value("--state") { folders.append(Sandbox.Folder(path, .writing)) }
        if let path = arguments.value("--outbox") { folders.append(Sandbox.Folder(path, .writing)) }
        if let path = arguments.value("--watch") { folders += try watched(path) }
        for name in ["--socket", "--frames"] {
            if let path = arguments.value(name) { folders.append(Sandbox.Folder(Sandbox.Folder.parent(of: path), .socket)) }
        }
        // Files that are replaced by a rename: not they but their folders stay within reach, the one that is named and the one that links lead to.
        for name in ["--model", "--trust", "--config"] {
            guard let path = arguments.value(name) else { continue }
            folders.append(Sandbox.Folder(Sandbox.Folder.parent(of: path), .reading))
            if let real = realPath(path) { folders.append(Sandbox.Folder(Sandbox.Folder.parent(of: real), .reading)) }
        }
        if let path = arguments.value("--store") { folders.append(Sandbox.Folder(path, .reading)) }
        sandbox.restrictFiles(to: folders)
        if isRequired, sandbox.landlockVersion == nil { throw Failure(.unavailable, "sandbox: this kernel has no Landlock of version 2 or later") }
    }

    /// When nothing is left to do but to serve; all threads are confined.
    mutating func restrictCalls() throws(Failure) {
        guard sandbox.isWanted else { return say("sandbox: off (--no-sandbox); not for use with patients' images", .warning) }
        sandbox.restrictCalls()
        let landlock = sandbox.landlockVersion.map { "enforced (version \($0))" } ?? "unavailable"
        say(
            "sandbox: seccomp \(sandbox.word(sandbox.filtersCalls)), Landlock \(landlock), no new privileges \(sandbox.word(sandbox.refusesNewPrivileges)), "
                + "no writable code \(sandbox.word(sandbox.refusesWriteExecute))", sandbox.isWhole ? .information : .warning)
        if isRequired, !sandbox.isWhole { throw Failure(.unavailable, "sandbox: not whole, and --require-sandbox is given") }
    }

    /// The folder above a watched one, which may appear later, or go and come back: a rule binds to what exists. Nothing above that, and the root is
    /// too much.
    private func watched(_ path: String) throws(Failure) -> [Sandbox.Folder] {
        var folders = [Sandbox.Folder(path, .writing)]
        for name in [path, realPath(path)] {
            guard let above = name.map(Sandbox.Folder.parent) else { continue }
            guard let real = realPath(above) else { throw .noFolderAboveWatched }
            if real != "/" { folders.append(Sandbox.Folder(above, .writing)) }
        }
        return folders
    }
}

/// `ternd selftest --sandbox`: enters the sandbox that a service enters, with no folder in reach, and tries what it must refuse.
func testSandbox() throws(Failure) -> ExitCode {
    var sandbox = Sandbox()
    sandbox.restrictFiles(to: [])
    sandbox.restrictCalls()
    var isRefused = sandbox.isWhole
    if sandbox.landlockVersion == nil { try put("Landlock: unavailable on this kernel\n") }
    if !sandbox.filtersCalls { try put("seccomp: unavailable on this kernel\n") }
    for outcome in SandboxProbe.runAll() {
        if let errno = outcome.errno {
            try put("\(outcome.name): refused by \(outcome.isFiltered ? "seccomp" : "Landlock"): \(reason(errno))\n")
        } else {
            try put("\(outcome.name): NOT REFUSED\n")
            isRefused = false
        }
    }
    return isRefused ? .ok : .unavailable
}

extension Failure {
    /// What the sandbox would need of a path like this reaches too far.
    static var noFolderAboveWatched: Failure {
        Failure(.cannotOpen, "watch: the folder above the watched one is not there; make it: no folder higher up is opened to the service instead")
    }
}

extension Arguments {
    /// `--socket-group`, a name or a number.
    func socketGroup() throws(Failure) -> Int? {
        guard let name = value("--socket-group") else { return nil }
        guard let number = SystemNames.group(name) else { throw Failure(.usage, "serve: --socket-group names no group of /etc/group") }
        return number
    }

    /// `--allow-user`, names or numbers with commas between them.
    func allowedUsers() throws(Failure) -> [Int]? {
        guard let list = value("--allow-user") else { return nil }
        var users: [Int] = []
        for part in Array(list.utf8).split(separator: 0x2C, omittingEmptySubsequences: false) {
            guard let number = SystemNames.user(String(decoding: part, as: UTF8.self)) else {
                throw Failure(.usage, "serve: --allow-user names no user of /etc/passwd; several are separated by commas")
            }
            users.append(number)
        }
        return users
    }
}
