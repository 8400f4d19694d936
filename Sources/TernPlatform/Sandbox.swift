import CTernPlatform

/// What the process has given up for good, as far as this kernel lets it.
public struct Sandbox: Equatable, Sendable {
    /// How a folder stays within reach.
    public enum Use: Equatable, Sendable {
        case reading
        /// And making, writing, renaming and removing what is in it.
        case writing
        /// Making and removing a socket and its lock.
        case socket

        var code: Int32 {
            switch self {
            case .reading: Int32(TERN_FOLDER_READ)
            case .writing: Int32(TERN_FOLDER_WRITE)
            case .socket: Int32(TERN_FOLDER_SOCKET)
            }
        }
    }

    /// A folder, and all below it.
    public struct Folder: Equatable, Sendable {
        public var path: String
        public var use: Use
        public init(_ path: String, _ use: Use) {
            self.path = path
            self.use = use
        }

        /// The folder that a path lies in, as it is written: `.` when it names none.
        public static func parent(of path: String) -> String {
            var bytes = Array(path.utf8)
            while bytes.count > 1, bytes.last == 0x2F { bytes.removeLast() }
            guard let slash = bytes.lastIndex(of: 0x2F) else { return "." }
            return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
        }
    }

    /// False when nobody asked for a sandbox.
    public var isWanted = true
    /// System calls outside a list are refused (seccomp).
    public private(set) var filtersCalls = false
    /// The version of Landlock that keeps files out of reach, and with it TCP and signals; nil when the kernel has none that serves.
    public private(set) var landlockVersion: Int?
    /// Programs that are executed gain no privileges.
    public private(set) var refusesNewPrivileges = false
    /// No memory becomes executable.
    public private(set) var refusesWriteExecute = false

    public init() {}

    /// Everything this module knows is enforced.
    public var isWhole: Bool { filtersCalls && landlockVersion != nil && refusesNewPrivileges && refusesWriteExecute }

    /// How status and messages name the state of a part.
    public func word(_ isEnforced: Bool) -> String { isEnforced ? "enforced" : isWanted ? "unavailable" : "off" }

    /// Puts every file outside the folders out of reach, for the calling thread and those that it starts: call it before there are others.
    /// A folder that is not there is left out.
    public mutating func restrictFiles(to folders: [Folder]) {
        refusesNewPrivileges = tern_refuse_new_privileges() == 0
        refusesWriteExecute = tern_refuse_write_execute() == 0
        var rules: Int32 = -1
        // SAFETY: one integer is filled.
        guard refusesNewPrivileges, unsafe tern_landlock_begin(&rules) == 0 else { return }
        for folder in folders {
            // SAFETY: the callee reads a terminated string during the call.
            _ = unsafe folder.path.withCString { unsafe tern_landlock_allow(rules, $0, folder.use.code) }
        }
        guard tern_landlock_enforce(rules) == 0 else { return }
        landlockVersion = Int(tern_landlock_version())
    }

    /// Refuses, in every thread of the process, each system call that a running service does not need.
    public mutating func restrictCalls() {
        guard tern_seccomp_enforce() == 0 else { return }
        filtersCalls = true
        refusesWriteExecute = true
        refusesNewPrivileges = true
    }

    /// System calls refused since the start.
    public static var refusedCallCount: Int {
        var number: Int32 = 0
        // SAFETY: one integer is filled.
        return unsafe Int(clamping: tern_seccomp_refused(&number))
    }

    /// The name of the last call that was refused; nil when there was none.
    public static var lastRefusedCall: String? {
        var number: Int32 = 0
        var name = [CChar](repeating: 0, count: 64)
        // SAFETY: one integer is filled, and a terminated string of at most as many bytes as the array has.
        guard unsafe tern_seccomp_refused(&number) > 0 else { return nil }
        guard unsafe tern_call_name(number, &name, Int32(name.count)) == 0 else { return "call \(number)" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What a sandbox must refuse, tried.
public enum SandboxProbe {
    /// What became of one attempt.
    public struct Outcome: Equatable, Sendable {
        public var name: String
        /// Nil when the kernel let it pass.
        public var errno: Int32?
        /// The filter of system calls refused it, not Landlock.
        public var isFiltered: Bool
    }

    /// Tries everything in the process as it is; nothing of it does harm when it is let pass.
    public static func runAll() -> [Outcome] {
        var outcomes: [Outcome] = []
        // SAFETY: the callee gives NULL or a literal of its own.
        while let name = unsafe tern_probe_name(Int32(outcomes.count)) {
            var isFiltered: Int32 = 0
            // SAFETY: one integer is filled.
            let failure = unsafe tern_probe(Int32(outcomes.count), &isFiltered)
            outcomes.append(Outcome(name: unsafe String(cString: name), errno: failure == 0 ? nil : failure, isFiltered: isFiltered != 0))
        }
        return outcomes
    }
}
