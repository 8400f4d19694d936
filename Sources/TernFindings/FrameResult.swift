/// What became of one frame of a file that has several.
public struct FrameResult: Equatable, Sendable {
    /// First frame is 1, as in DICOM; of a volume, slices count before volumes.
    public var frame: Int
    /// From the first frame of the file; nil when the file does not say.
    public var timeMilliseconds: Double?
    /// `succeeded` or `failed`.
    public var status = ResultStatus.failed
    /// Why the frame was refused; nil when it was analysed.
    public var reason: CodedTerm?
    /// Nil when it was not decoded.
    public var quality: ImageQuality?
    /// How grey values were taken, where it is not as in the first analysed frame.
    public var grey: GreyReference?
    public var findings: [Finding] = []
    /// As for a result; frames of a file of several do not tell it.
    public var conformal: ConformalSet?
    /// Nil for a model without feature statistics, and for a refused frame.
    public var outOfDistribution: OutOfDistribution?
    /// SHA-256 of the raw output bits (N-12), hexadecimal; nil for a refused frame.
    public var outputDigest: String?

    public init(frame: Int, timeMilliseconds: Double? = nil) {
        self.frame = frame
        self.timeMilliseconds = timeMilliseconds
    }

    /// Whether the out-of-distribution gate flags the frame.
    public var isFlagged: Bool { outOfDistribution?.isFlagged == true }

    /// At most so many frames of a study are analysed.
    public static let limitCount = 256
    /// Frames times reported labels: keeps the line of a result below two megabytes.
    public static let limitFindingCount = 4_096
}

extension FindingResult {
    /// Of each label the finding of the frame in which its score is highest, the earliest of several; its `frame` says which.
    ///
    /// Frames that the out-of-distribution gate flags do not count, for their scores say nothing, unless every analysed frame is flagged.
    ///
    /// - Precondition: the frames have the findings of one model.
    public static func highestFindings(of frames: [FrameResult]) -> [Finding] {
        var highest: [Finding] = []
        let isTrusted = frames.contains { $0.status == .succeeded && !$0.isFlagged }
        for frame in frames where frame.status == .succeeded && !(isTrusted && frame.isFlagged) {
            for (index, finding) in frame.findings.enumerated() {
                var finding = finding
                finding.frame = frame.frame
                if index == highest.count {
                    highest.append(finding)
                } else if finding.score > highest[index].score {
                    highest[index] = finding
                }
            }
        }
        return highest
    }
}

extension JSONText {
    mutating func value(_ frame: FrameResult) {
        beginObject()
        member("frame", frame.frame)
        if let time = frame.timeMilliseconds { member("timeMilliseconds", time) }
        member("status", frame.status.rawValue)
        if let reason = frame.reason {
            key("reason")
            value(reason)
        }
        key("quality")
        value(frame.quality)
        if let grey = frame.grey {
            key("voi")
            value(grey)
        }
        key("findings")
        beginArray()
        for finding in frame.findings {
            beginObject()
            // What does not differ from frame to frame stands beside the label's finding of the whole study.
            verdict(finding)
            endObject()
        }
        endArray()
        key("outOfDistribution")
        value(frame.outOfDistribution)
        member("digest", frame.outputDigest)
        endObject()
    }

    /// The members `label`, `score`, `call` and `tier`.
    private mutating func verdict(_ finding: Finding) {
        member("label", finding.label)
        member("score", finding.score)
        member("call", finding.call.rawValue)
        member("tier", finding.tier.rawValue)
    }

    @inline(never)
    mutating func value(_ quality: ImageQuality?) {
        beginObject()
        member("assessed", quality?.isAssessed ?? false)
        if let quality {
            member("width", quality.width)
            member("height", quality.height)
            member("channels", quality.channels)
            member("bitsStored", quality.bitsStored)
            for measure in quality.measures { member(measure.name, measure.value) }
        }
        endObject()
    }

    @inline(never)
    mutating func value(_ outOfDistribution: OutOfDistribution?) {
        guard let outOfDistribution else { return null() }
        beginObject()
        member("score", outOfDistribution.score)
        member("threshold", outOfDistribution.threshold)
        member("flagged", outOfDistribution.isFlagged)
        endObject()
    }
}
