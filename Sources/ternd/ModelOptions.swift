import TernBytes
import TernEngine
import TernFindings
import TernKernels
import TernModel
import TernPlatform
import TernStore

/// The options of every verb that opens a model.
struct ModelOptions {
    static let table = [
        Option("--model", "M.tern", "the model file", isReloaded: true),
        Option(flag: "--allow-unsigned", "accept a model file without a signature; every result says so", isReloaded: true),
        Option(
            "--trust", "FILE", "accept only models signed by one of its Ed25519 public keys, 64 hexadecimal digits and a name a line; without it, any valid signature",
            isReloaded: true),
        Option("--threads", "N", 1...64, standard: 1, "threads that work on one image", isReloaded: true),
        Option("--isa", "NAME", "a kernel table of `ternd info`; the fastest this CPU has when not given. TERN_ISA does the same", isReloaded: true),
    ]
    static let options = table.filter { !$0.isFlag }.map { $0.name }
    static let flags = table.filter { $0.isFlag }.map { $0.name }

    var path: String
    var allowsUnsigned: Bool
    /// Nil: any valid signature.
    var trust: TrustFile?
    var threadCount: Int
    var instructionSet: InstructionSet
    /// Whether engines make maps.
    var makesMaps = false

    /// `isOptional`: the path is empty without `--model`, for a caller that has one from elsewhere. `readsTrust`: false for one that calls `readTrust`.
    init(_ arguments: Arguments, isOptional: Bool = false, readsTrust: Bool = true) throws(Failure) {
        path = isOptional ? arguments.value("--model") ?? "" : try arguments.required("--model")
        allowsUnsigned = arguments.has("--allow-unsigned")
        threadCount = try arguments.number("--threads", 1...64, standard: 1)
        instructionSet = try chosenInstructionSet(arguments.value("--isa"), at: arguments.place("--isa")).set
        if readsTrust { try readTrust(arguments) }
    }

    /// Reads the trust file, where there is one.
    mutating func readTrust(_ arguments: Arguments) throws(Failure) {
        if let path = arguments.value("--trust") { trust = try ternd.readTrust(path) }
    }

    /// Opens and validates the model.
    func open() throws(Failure) -> ModelFile {
        let mapping: MappedFile
        do throws(PlatformError) { mapping = try MappedFile(path: path) } catch {
            switch error {
            case .openFailed(let errno): throw Failure(ExitCode(errno: errno, otherwise: .cannotOpen), "model: \(reason(errno))")
            case .notARegularFile: throw Failure(.cannotOpen, "model: not a regular file")
            case .emptyFile: throw Failure(.badInput, "model: the file is empty")
            default: throw Failure(.cannotOpen, "model: the file cannot be read")
            }
        }
        do throws(ModelFileError) {
            return try ModelFile(validating: mapping, options: .init(allowsUnsigned: allowsUnsigned, trustedKeys: (trust?.keys ?? []).map { $0.bytes }))
        } catch {
            throw Failure(.badInput, "model refused: " + error.message)
        }
    }

    /// An engine for the model; nil makes maps as the options say.
    func engine(_ model: ModelFile, on set: InstructionSet? = nil, makesMaps: Bool? = nil) throws(Failure) -> Engine {
        do throws(EngineError) {
            return try Engine(model: model, instructionSet: set ?? instructionSet, threadCount: threadCount, makesMaps: makesMaps ?? self.makesMaps)
        } catch {
            throw Failure(error)
        }
    }

    /// Refuses to go on unless every golden vector agrees bit for bit.
    func prove(_ engine: Engine, while isWanted: () -> Bool = { true }) throws(Failure) {
        do throws(EngineError) { try engine.verifyGolden(while: isWanted) } catch { throw Failure(error) }
    }

    /// `unsigned`, or `signed by` the name that the trust file has for the key, if any.
    func signer(of model: ModelFile) -> String {
        guard case .valid(let key) = model.signature else { return "unsigned" }
        let name = trust?.name(of: key) ?? ""
        return name.isEmpty ? "signed" : "signed by " + name
    }
}

/// The instruction set to use, and why.
func chosenInstructionSet(_ option: String?, at place: String = "--isa") throws(Failure) -> (set: InstructionSet, why: String) {
    let source = option == nil ? "TERN_ISA" : place
    guard let name = option ?? Process.environment("TERN_ISA") else { return (.best, "the fastest this CPU has") }
    guard let set = InstructionSet(name: name) else {
        // Names that other builds have.
        if ["avxvnni", "avx512vbmi", "neon", "neondot", "neoni8mm"].contains(name) {
            throw Failure(.unavailable, "\(source): this build has no kernels for \(name)")
        }
        throw Failure(.usage, "\(source): no instruction set of that name; ternd info lists them")
    }
    guard set.isAvailable else { throw Failure(.unavailable, "\(source): this CPU cannot run \(name); ternd info lists what it can") }
    return (set, "\(source) asks for it")
}

extension Failure {
    init(_ error: EngineError) {
        switch error {
        case .unsupportedInstructionSet(let set): self.init(.unavailable, "this CPU cannot run \(set.name)")
        case .threadCount(let count): self.init(.unavailable, "the system refuses \(count) threads")
        case .outOfMemory(let byteCount): self.init(.unavailable, "the system refuses \(byteCount) bytes of memory")
        case .limit(let operation): self.init(.badInput, "model: operation \(operation) is past a limit of this build's kernels")
        case .valueCount(let expected, let found): self.init(.ourFault, "the engine was given \(found) values for \(expected)")
        case .notFinite(let operation): self.init(.badInput, "model: operation \(operation) gives a value that is not finite")
        case .outputNotFinite(let index): self.init(.badInput, "model: output \(index) is not finite")
        case .noMap(let output): self.init(.badInput, "model: output \(output) has no map")
        case .cancelled: self.init(.busy, "the golden vectors were not run to the end")
        case .goldenMismatch(let vector, let output):
            self.init(
                .ourFault,
                "golden vector \(vector) differs at output \(output): this machine does not compute what the model file expects, or the file was "
                    + "converted for other numerics than this program's, version 2; convert it again with the tern of this release")
        }
    }
}

extension ModelReference {
    /// What results say of a model.
    init(_ model: ModelFile) {
        var key: String?
        if case .valid(let publicKey) = model.signature { key = Hexadecimal.string(publicKey) }
        self.init(
            name: model.header.name, version: model.header.version, digest: Hexadecimal.string(model.identity), keyIdentifier: key)
    }
}
