public import TernFindings

/// Who asked.
public struct AuditOrigin: Equatable, Sendable {
    /// How it reached the service.
    public enum Way: String, Equatable, Sendable {
        case socket
        case folder
        case frames
    }
    public var way: Way
    /// The user and the process at the other end, nil where the system does not say.
    public var user: Int?
    public var process: Int?
    public init(_ way: Way, user: Int? = nil, process: Int? = nil) {
        self.way = way
        self.user = user
        self.process = process
    }
}

/// What a person said of a result. The note itself is not recorded here.
public struct AuditedReview: Equatable, Sendable {
    /// From 1, without gaps.
    public var number = 0
    /// Of the result.
    public var identifier = ""
    public var sequence = 0
    public var decision = ReviewRequest.Decision.accept
    public var label: String?
    public var call: Call?
    /// Nil without a note.
    public var note: Note?
    /// SHA-256 of the line in `reviews.jsonl`, without its line feed.
    public var lineDigest = ""
    public var origin = AuditOrigin(.socket)
    public init() {}

    /// What is recorded of a note.
    public struct Note: Equatable, Sendable {
        /// SHA-256 of its UTF-8, hexadecimal.
        public var sha256: String
        public var byteCount: Int
        public init(sha256: String, byteCount: Int) {
            self.sha256 = sha256
            self.byteCount = byteCount
        }
    }
}

/// Something that happened, as it is recorded.
public enum AuditEvent: Equatable, Sendable {
    /// The service starts.
    case start(version: String, model: ModelReference, operatingPoint: String?, instructionSet: String)
    /// It ends as it was told to.
    case stop
    /// A result is on the disk; nobody has seen it.
    case result(AuditedResult)
    /// Requests were refused with a status and a code; `user` nil for unknown and for several.
    case refusal(status: Int, code: String, user: Int?, count: Int)
    /// A file of the watched folder was refused; `digest` is the SHA-256 of its bytes, nil when they were not read.
    case refusedFile(status: Int, code: String, identifier: String, digest: String?)
    /// Somebody reviewed a result.
    case review(AuditedReview)
    /// A review is stored that has no record, since the service was killed in between.
    case recoveredReview(number: Int, identifier: String, lineDigest: String)
    /// Another model answers from here on.
    case model(ModelReference, operatingPoint: String?)
    /// Another model was asked for and refused.
    case modelRefused(digest: String?, code: String)
    /// SIGHUP.
    case reload
    /// Results were deleted.
    case retention(first: Int, last: Int, byteCount: Int)
    /// An unfinished last line was cut off.
    case tornTail(byteCount: Int)
    /// `head` knows of records that are not there: the end of the log was removed.
    case tailMissing(first: Int, last: Int)
    /// There is a log and no `head`: what was at its end is not known.
    case headMissing
    /// Results have no record and can have none: they are older than what is read back.
    case unaudited(first: Int, last: Int)
    /// Results were recorded that are not in the findings any more, and their numbers are used anew.
    case findingsMissing(first: Int, last: Int)
    /// Events have no record: the disk took none for so long that no more were kept.
    case lost(count: Int)
    /// A file was closed and another begun.
    case rotation(lastSequence: Int, lastReview: Int)

    /// The member `event`.
    public var name: String {
        switch self {
        case .start: "start"
        case .stop: "stop"
        case .result: "result"
        case .refusal, .refusedFile: "refusal"
        case .review, .recoveredReview: "review"
        case .model: "model"
        case .modelRefused: "model_refused"
        case .reload: "reload"
        case .retention: "retention"
        case .tornTail: "torn_tail"
        case .tailMissing: "tail_missing"
        case .headMissing: "head_missing"
        case .unaudited: "unaudited"
        case .findingsMissing: "findings_missing"
        case .lost: "lost"
        case .rotation: "rotation"
        }
    }

    /// Writes the members of the event.
    func write(to text: inout JSONText) {
        switch self {
        case .start(let version, let model, let point, let instructionSet):
            text.member("version", version)
            text.value(model, operatingPoint: point)
            text.member("isa", instructionSet)
        case .stop, .reload, .headMissing: break
        case .result(let result): result.write(to: &text)
        case .refusal(let status, let code, let user, let count):
            text.member("status", status)
            text.member("code", code)
            text.member("uid", user)
            text.member("count", count)
        case .refusedFile(let status, let code, let identifier, let digest):
            AuditEvent.refusal(status: status, code: code, user: nil, count: 1).write(to: &text)
            text.member("id", identifier)
            text.value(AuditOrigin(.folder))
            text.key("input")
            if let digest {
                text.beginObject()
                text.member("sha256", digest)
                text.endObject()
            } else {
                text.null()
            }
        case .review(let review): review.write(to: &text)
        case .recoveredReview(let number, let identifier, let digest):
            text.member("review", number)
            text.member("id", identifier)
            text.member("line", digest)
            text.member("recovered", true)
        case .model(let model, let point): text.value(model, operatingPoint: point)
        case .modelRefused(let digest, let code):
            text.member("model", digest)
            text.member("code", code)
        case .retention(let first, let last, let byteCount):
            text.range(first, last)
            text.member("bytes", byteCount)
        case .tornTail(let byteCount): text.member("bytes", byteCount)
        case .tailMissing(let first, let last), .unaudited(let first, let last), .findingsMissing(let first, let last): text.range(first, last)
        case .lost(let count): text.member("count", count)
        case .rotation(let sequence, let review):
            text.member("sequence", sequence)
            text.member("review", review)
        }
    }
}

extension AuditedReview {
    func write(to text: inout JSONText) {
        text.member("review", number)
        text.member("id", identifier)
        text.member("of", sequence)
        text.member("decision", decision.rawValue)
        if let label { text.member("label", label) }
        if let call { text.member("call", call.rawValue) }
        text.key("note")
        if let note {
            text.beginObject()
            text.member("sha256", note.sha256)
            text.member("bytes", note.byteCount)
            text.endObject()
        } else {
            text.null()
        }
        text.member("line", lineDigest)
        text.value(origin)
    }
}

extension JSONText {
    /// A key with a number or `null`.
    mutating func member(_ name: String, _ number: Int?) {
        key(name)
        if let number { value(number) } else { null() }
    }

    mutating func range(_ first: Int, _ last: Int) {
        member("first", first)
        member("last", last)
    }

    /// The member `origin`.
    mutating func value(_ origin: AuditOrigin) {
        key("origin")
        beginObject()
        member("way", origin.way.rawValue)
        member("uid", origin.user)
        member("pid", origin.process)
        endObject()
    }

    /// The members `model`, `keyId` and `operatingPoint`.
    fileprivate mutating func value(_ model: ModelReference, operatingPoint: String?) {
        member("model", model.digest)
        member("keyId", model.keyIdentifier)
        member("operatingPoint", operatingPoint)
    }
}
