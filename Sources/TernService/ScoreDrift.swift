internal import TernFindings

/// What a model file says of the scores that it was judged by; what the scores of the service are held against.
public struct DriftReference: Equatable, Sendable {
    /// One label's distribution.
    public struct Label: Equatable, Sendable {
        public var name: String
        /// Where one bin ends and the next begins, ascending, at most 14: bin k holds the scores that k of them do not exceed.
        public var edges: [Float]
        /// Cases in each bin, one more than edges, none 0.
        public var counts: [Int]
        public init(name: String, edges: [Float], counts: [Int]) {
            self.name = name
            self.edges = edges
            self.counts = counts
        }
    }
    /// Empty for a model file without a score reference.
    public var labels: [Label]
    /// The cases, for example `test`, and how many.
    public var measuredOn: String
    public var cases: Int
    /// The share of ordinary images that the out-of-distribution gate flags; nil for a model without one.
    public var falseAlarmRate: Float?
    public init(labels: [Label] = [], measuredOn: String = "", cases: Int = 0, falseAlarmRate: Float? = nil) {
        self.labels = labels
        self.measuredOn = measuredOn
        self.cases = cases
        self.falseAlarmRate = falseAlarmRate
    }
}

/// How far the scores of the last images are from the model's reference. Kept in memory alone: a start, and another model, begin anew.
struct ScoreDrift {
    /// Images that are looked back on.
    static let windowCount = 1000
    /// Below so many nothing is said.
    static let leastCount = 100
    static let limitModerate = 0.1
    static let limitMajor = 0.25

    /// How a label's scores stand.
    enum State: String {
        case tooFew = "too_few"
        case stable
        case moderate
        case major
    }

    /// What is known of one label.
    struct Reading {
        var psi: Double?
        var count: Int
        var state: State
    }

    let reference: DriftReference
    /// Of the model that the reference is of.
    private let digest: String
    private var bins: [RecentValues]
    private(set) var flags = RecentValues(limit: windowCount)
    /// By label, whether it is known to have drifted: true from the first `major` until the index is below `limitModerate`.
    private var isKnown: [Bool]

    init(_ identity: ServiceIdentity) {
        reference = identity.drift
        digest = identity.model.digest
        bins = identity.drift.labels.map { _ in RecentValues(limit: Self.windowCount) }
        isKnown = identity.drift.labels.map { _ in false }
    }

    /// Takes a result of this model in, and gives the labels of the reference whose scores are newly far from it. A file of several frames counts
    /// as one image, its middle analysed frame: the frames of one patient are not so many cases.
    mutating func observe(_ result: FindingResult) -> [Int] {
        guard result.model.digest == digest else { return [] }
        var (findings, gate) = (result.findings, result.outOfDistribution)
        let analysed = result.frames.filter { $0.status == .succeeded }
        if !analysed.isEmpty { (findings, gate) = (analysed[analysed.count / 2].findings, analysed[analysed.count / 2].outOfDistribution) }
        guard !findings.isEmpty || gate != nil else { return [] }
        if let gate { flags.append(gate.isFlagged ? 1 : 0) }
        var found: [Int] = []
        for (index, label) in reference.labels.enumerated() {
            guard let finding = findings.first(where: { $0.label == label.name }) else { continue }
            bins[index].append(label.edges.count { $0 <= finding.score })
            let reading = reading(index)
            if reading.state == .major, !isKnown[index] {
                isKnown[index] = true
                found.append(index)
            } else if let psi = reading.psi, psi < Self.limitModerate {
                // Not at the first `stable`: an index near the limit of chance goes to and fro.
                isKnown[index] = false
            }
        }
        return found
    }

    /// How a label of the reference stands. A difference counts as one only when chance makes it less than one time in a thousand.
    func reading(_ index: Int) -> Reading {
        let (label, recent) = (reference.labels[index], bins[index])
        guard recent.count >= Self.leastCount else { return Reading(psi: nil, count: recent.count, state: .tooFew) }
        let psi = StabilityIndex.value(expected: label.counts, seen: recent.counts(of: label.counts.count))
        let chance = StabilityIndex.chanceLimit(binCount: label.counts.count, expectedCount: reference.cases, seenCount: recent.count)
        let state: State = psi < max(Self.limitModerate, chance) ? .stable : psi < max(Self.limitMajor, chance) ? .moderate : .major
        return Reading(psi: psi, count: recent.count, state: state)
    }

    /// The share of the last images that the gate flags; nil before the first.
    var flaggedShare: Double? { flags.count > 0 ? Double(flags.counts(of: 2)[1]) / Double(flags.count) : nil }
}

/// The last so many small numbers, and how often each stands among them.
struct RecentValues {
    private let limit: Int
    private var values: [UInt8] = []
    private var next = 0
    private var counts = [Int](repeating: 0, count: 16)

    init(limit: Int) { self.limit = limit }

    var count: Int { values.count }

    /// How often 0, 1, ... stand there.
    func counts(of valueCount: Int) -> [Int] { Array(counts[..<valueCount]) }

    /// - Precondition: `value` is 0 ... 15.
    mutating func append(_ value: Int) {
        counts[value] += 1
        if values.count < limit {
            values.append(UInt8(value))
        } else {
            counts[Int(values[next])] -= 1
            values[next] = UInt8(value)
            next = (next + 1) % limit
        }
    }
}
