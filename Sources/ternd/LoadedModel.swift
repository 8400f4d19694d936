import TernEngine
import TernFindings
import TernKernels
import TernModel
import TernPlatform
import TernService
import TernStore

/// A model that is ready to serve: opened, validated, its golden vectors run on this machine.
struct LoadedModel {
    /// What must differ for a model to be loaded again.
    struct Key: Equatable {
        var digest: String
        var keyIdentifier: String?
        var operatingPoint: String?
        var threadCount: Int
        var instructionSet: String
    }

    let key: Key
    let reader: Reader
    var identity: ServiceIdentity
    /// Name, version and who signed it.
    let words: String
    /// Its trial, when it is in one.
    var trial: TrialRecord?
    /// Whether maps are drawn, to be kept with results.
    let drawsMaps: Bool
    /// Nil when nothing is written for other programs.
    var outbox: OutboxWriter?

    /// Reads a study; a model in trial that gives a result has then shown that it works. What is no image comes to no model.
    var analyser: Analyser {
        let reader = self.reader, trial = self.trial, drawsMaps = self.drawsMaps
        return {
            var analysis = reader.read(Input(bytes: $0.bytes, kind: $0.kind, selection: $0.selection, modality: $0.modality), identifier: $0.identifier)
            if [.succeeded, .partiallySucceeded].contains(analysis.result.status) { trial?.passed() }
            if drawsMaps { analysis.mapPictures = analysis.drawnMaps() }
            return analysis
        }
    }
}

extension LoadedModel {
    /// Reads one live frame.
    var frameAnalyser: FrameAnalyser {
        let reader = self.reader
        return { reader.read($0) }
    }

    /// Between two frames of a study a live frame has its turn. The service holds the reader: `letGo` ends that.
    func takeFrameTurns(of service: Service) { reader.betweenFrames = { service.takeFrameTurn() } }

    func letGo() { reader.betweenFrames = {} }
}

/// How a service comes to its model: from a file, or from what a store says.
struct ModelLoader {
    let arguments: Arguments
    /// Those of the start: the folder of the outbox and whether maps are kept change with a restart only.
    private let start: Arguments
    private(set) var options: ModelOptions
    let store: ModelStore?
    /// Where trials are kept.
    let statePath: String

    /// `start`: nil at the start itself. `readsTrust`: false for a caller that calls `readTrust` before anything is loaded.
    init(_ arguments: Arguments, start: Arguments? = nil, readsTrust: Bool = true) throws(Failure) {
        self.arguments = arguments
        self.start = start ?? arguments
        statePath = try arguments.required("--state")
        options = try ModelOptions(arguments, isOptional: true, readsTrust: readsTrust)
        store = arguments.value("--store").map { ModelStore(path: $0) }
        guard options.path.isEmpty != (store == nil) else { throw Failure(.usage, "serve: one of --model and --store; see ternd serve --help") }
    }

    mutating func readTrust() throws(Failure) { try options.readTrust(arguments) }

    /// What the store says, and what became of its model so far; nil for a model file.
    func choice() throws(Failure) -> ModelChoice? {
        guard let store else { return nil }
        do throws(StoreError) { return ModelChoice(try store.selection(), trial: TrialRecord.read(statePath)) } catch { throw Failure(error) }
    }

    /// Opens, validates and proves a model.
    ///
    /// - Parameters:
    ///   - running: nil is returned when it is the same.
    ///   - isWanted: asked between golden vectors.
    /// - Throws: `Failure`; also when the store's file is not the model that its name says.
    func load(_ choice: ModelChoice?, running: LoadedModel.Key? = nil, while isWanted: () -> Bool = { true }) throws(Failure) -> LoadedModel? {
        var options = self.options
        if let store, let choice { options.path = store.path(of: choice.digest) }
        let model = try options.open()
        let reference = ModelReference(model)
        if let choice, choice.digest != reference.digest { throw Failure(.badInput, "model refused: the store's file is another model than its name says") }
        let labels = try arguments.labels(of: model)
        let key = LoadedModel.Key(
            digest: reference.digest, keyIdentifier: reference.keyIdentifier, operatingPoint: arguments.value(Arguments.operatingPoint),
            threadCount: options.threadCount, instructionSet: options.instructionSet.name)
        if key == running { return nil }
        options.makesMaps = start.value("--outbox") != nil || start.has("--maps")
        let engine = try options.engine(model)
        try options.prove(engine, while: isWanted)
        let reader = Reader(engine: engine, labels: labels)
        if start.has("--maps") { reader.makesEvidence = true }
        var identity = ServiceIdentity(
            version: programVersion, model: reference, instructionSet: engine.instructionSet.name, threadCount: engine.threadCount,
            arenaByteCount: engine.arenaByteCount, goldenVectorCount: model.goldenCount, modelDocument: modelDocument(model, labels))
        identity.operatingPoint = arguments.value(Arguments.operatingPoint)
        identity.drift = DriftReference(model)
        identity.settings = reader.settings
        identity.isMarkedGood = choice?.isMarkedGood
        identity.isRolledBack = choice?.isRolledBack ?? false
        let outbox = try start.outbox(for: ReportModel(model, labels: labels), reader)
        return LoadedModel(
            key: key, reader: reader, identity: identity, words: "\(reference.name) \(reference.version) (\(options.signer(of: model)))", trial: nil,
            drawsMaps: start.has("--maps"), outbox: outbox)
    }

    /// The model of a start. One in trial that fails gives way to the one that is marked good.
    func start(_ events: ServiceEvents) throws(Failure) -> LoadedModel {
        let choice = try choice()
        guard var choice, var trial = choice.trial, let fallback = choice.fallback else {
            if choice?.isRolledBack == true { Self.rolledBack(events) }
            return try loaded(choice)
        }
        // On the disk before the model is touched: a start that dies here counts.
        trial.starts += 1
        TrialRecord.write(trial, statePath)
        do throws(Failure) {
            var model = try loaded(choice)
            model.trial = TrialRecord(trial, statePath)
            return model
        } catch {
            say(error.message)
            trial.isRefused = true
            TrialRecord.write(trial, statePath)
            Self.rolledBack(events)
            choice.digest = fallback
            choice.isMarkedGood = true
            choice.isRolledBack = true
            return try loaded(choice)
        }
    }

    private func loaded(_ choice: ModelChoice?) throws(Failure) -> LoadedModel {
        guard let model = try load(choice) else { throw Failure(.ourFault, "the model was not loaded") }
        return model
    }

    private static func rolledBack(_ events: ServiceEvents) {
        say("the model of the store failed; the one that is marked good takes its place until another is chosen")
        events.note("model_rolled_back", level: .error)
    }
}

/// The trial of a model, as the state directory has it.
final class TrialRecord {
    private let trial: ModelTrial
    private let statePath: String
    /// The worker's.
    private var isOpen = true

    init(_ trial: ModelTrial, _ statePath: String) {
        self.trial = trial
        self.statePath = statePath
    }

    /// The model has given a result: the starts before do not count. Called by the worker.
    func passed() {
        guard isOpen else { return }
        isOpen = false
        end()
    }

    /// The same for a service that stops in order; the worker may still be at work.
    func end() {
        var trial = self.trial
        trial.starts = 0
        Self.write(trial, statePath)
    }

    private static let name = "model-trial"
    private static func path(_ statePath: String) -> String { statePath + "/" + name }

    /// Removes what a start that was killed left of a record.
    static func removeUnfinished(_ statePath: String) { try? FileStore(path: statePath, isShared: true).removeUnfinished(of: name) }

    /// Nil when there is none, or none that can be read: then the model is new.
    static func read(_ statePath: String) -> ModelTrial? {
        guard let bytes = try? readFile(path(statePath), limitByteCount: 4096), let settings = try? SettingsFile(parsing: bytes) else { return nil }
        return ModelTrial(settings)
    }

    static func write(_ trial: ModelTrial, _ statePath: String) {
        do throws(PlatformError) { try writeFileAtomically(path(statePath), Array(trial.text.utf8)) } catch {
            say("model-trial cannot be written; a start that fails is not counted")
        }
    }
}

extension Failure {
    init(_ error: StoreError) {
        switch error {
        case .system(let errno): self.init(ExitCode(errno: errno, otherwise: .cannotOpen), "store: \(reason(errno))")
        case .busy: self.init(.busy, "store: another ternd model changes it")
        case .selectionDamaged: self.init(.inputOutput, "store: the file selection is not as it is written; ternd model use makes a new one once it is moved away")
        case .empty: self.init(.cannotOpen, "store: no model is chosen; see ternd model --help")
        case .noSuchModel: self.init(.usage, "store: no model whose digest begins so, with eight digits at least; ternd model list has them")
        case .ambiguous: self.init(.usage, "store: several models whose digest begins so; ternd model list has them")
        case .nothingGood: self.init(.usage, "store: no other model is marked good")
        }
    }
}
