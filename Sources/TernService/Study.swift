public import TernFindings
public import TernPlatform

/// An accepted study.
public struct Study: Sendable {
    public let identifier: StudyIdentifier
    public let kind: InputKind
    public let bytes: [UInt8]
    /// The frames that are asked for.
    public let selection: FrameSelection
    /// What the sender says of a file that names no modality.
    public var modality: StatedModality?
    public var origin = StudyOrigin.socket(user: nil, process: nil)
    /// How long its sender waits for the result; not kept in the journal. Nil for as long as it takes.
    public var patienceMilliseconds: Int?
    public init(identifier: StudyIdentifier, kind: InputKind, bytes: [UInt8], selection: FrameSelection = .all) {
        self.identifier = identifier
        self.kind = kind
        self.bytes = bytes
        self.selection = selection
    }
}

extension Study {
    /// What is asked, without what is asked about.
    var withoutBytes: Study {
        var study = Study(identifier: identifier, kind: kind, bytes: [], selection: selection)
        study.modality = modality
        study.origin = origin
        return study
    }
}

/// Where a study came from: user and process at the other end of a socket (SO_PEERCRED), nil where the system does not say.
public enum StudyOrigin: Equatable, Sendable {
    /// The HTTP socket.
    case socket(user: Int?, process: Int?)
    /// The watched folder.
    case folder
    /// The socket of frames.
    case frames(user: Int?, process: Int?)

    /// The user at the other end, nil where there is none or the system does not say.
    var user: Int? {
        switch self {
        case .socket(let user, _), .frames(let user, _): user
        case .folder: nil
        }
    }
}

/// What became of a study.
public struct Analysis: Sendable {
    /// Its sequence number is given when it is recorded.
    public var result: FindingResult
    /// How a client that waits hears of a result that did not succeed.
    public var problem: Problem?
    /// Nil when none was asked for, and when no image was decoded.
    public var evidence: Evidence?
    /// The maps of the evidence over its picture, for `GET /v1/findings/ID/map.jpg`; empty when none are kept.
    public var mapPictures: [MapPicture] = []
    public init(result: FindingResult, problem: Problem?) {
        self.result = result
        self.problem = problem
    }
}

/// A map over the picture that it is of, as a JPEG file.
public struct MapPicture: Equatable, Sendable {
    /// The label's name.
    public var label: String
    public var bytes: [UInt8]
    public init(label: String, bytes: [UInt8]) {
        self.label = label
        self.bytes = bytes
    }
}

/// Limits of the service itself.
public struct ServiceLimits: Equatable, Sendable {
    /// Studies that wait beside the one being read.
    public var queueCount = 8
    /// Bytes of all studies that wait or are being read.
    public var queueByteCount = 256 << 20
    public var http = HTTPBounds()
    /// Results kept in memory for streams and for `GET /v1/findings/ID`.
    public var resultCount = 1000
    public var resultByteCount = 16 << 20
    /// Clients that follow the findings.
    public var streamCount = 16
    /// Most bytes under way to one reader.
    public var pageByteCount = 128 << 10
    /// Studies are refused while the file system has less room than this.
    public var freeByteCount = 4 << 20
    /// Studies that are looked for among old results at once.
    public var searchCount = 8
    public var retention = Retention()
    /// Nil: no maps are kept.
    public var maps: MapLimits?
    /// The users whose requests may change something, by number; nil: everyone who can connect.
    public var users: [Int]?
    /// Sources of live frames of which one waits.
    public var frameSourceCount = 16
    /// Clients of the socket of frames.
    public var frameConnectionCount = 16
    public init() {}

    /// What one client may ask.
    public struct HTTPBounds: Equatable, Sendable {
        /// Of one study.
        public var bodyByteCount = 64 << 20
        public var connectionCount = 64
        /// For a client to send its request, and to take what it is sent.
        public var clientMilliseconds = 30_000
        public init() {}
    }
}

/// What the service says about itself and its model; replaced with the model.
public struct ServiceIdentity: Sendable {
    public var version: String
    public var model: ModelReference
    /// The operating point that was asked for; nil for the model's own.
    public var operatingPoint: String?
    public var instructionSet: String
    public var threadCount: Int
    public var arenaByteCount: Int
    /// Golden vectors that agreed bit for bit when the service started.
    public var goldenVectorCount: Int
    /// The answer to `GET /v1/model`, one JSON object.
    public var modelDocument: [UInt8]
    /// What results depend on beside their input (`FindingResult.settings`).
    public var settings: [UInt8] = []
    /// Of a model from a store: whether it is marked good there; nil for a model file.
    public var isMarkedGood: Bool?
    /// The store's model had its chance; this is the one that is marked good.
    public var isRolledBack = false
    /// What scores and gate are held against.
    public var drift = DriftReference()
    public init(
        version: String, model: ModelReference, instructionSet: String, threadCount: Int, arenaByteCount: Int, goldenVectorCount: Int,
        modelDocument: [UInt8]
    ) {
        self.version = version
        self.model = model
        self.instructionSet = instructionSet
        self.threadCount = threadCount
        self.arenaByteCount = arenaByteCount
        self.goldenVectorCount = goldenVectorCount
        self.modelDocument = modelDocument
    }
}

/// Tells the kind of an image from its bytes, nil when it is none that is read; called on the loop's thread.
public typealias Recogniser = ([UInt8]) -> InputKind?

/// Reads one study; called on the worker's thread, one call at a time.
public typealias Analyser = (Study) -> Analysis

/// Hands on what became of a study before it is recorded, with the number that it will have; called on the worker's thread, again and again while it throws.
public typealias Deliverer = (Study, Analysis) throws(PlatformError) -> Void
