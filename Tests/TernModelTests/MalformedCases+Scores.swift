import TernModel
import TernWriter

/// Files that break a rule of the section score reference: its head at 45,056, one distribution of 128 bytes at 45,120 (label 1, four bins).
extension MalformedCases {
    private static let head = 45_056
    private static let record = 45_120
    private static let counts = record + 8
    private static let edges = record + 68
    private static func bits(_ value: Float) -> UInt32 { value.bitPattern }
    private static func f32(_ value: Float) -> [UInt8] { little(UInt64(value.bitPattern), 4) }

    static let scores: [Malformed] = [
        .resorted("a score reference that must be read", .sectionTable(.unknownFlag, record: 10, kind: 11)) { $0[10].flags = 1 },
        .resorted("a score reference twice", .sectionTable(.repeated, record: 11, kind: 11)) { $0.append($0[10]) },
        .resorted("head of the score reference cut off", .scoreReference(.byteCount, record: nil, value: 63)) { $0[10].bytes.removeLast(192 - 63) },
        .resorted("half a distribution", .scoreReference(.byteCount, record: nil, value: 1)) { $0[10].bytes.removeLast(64) },
        .resorted("no distributions", .scoreReference(.byteCount, record: nil, value: 0)) { $0[10].bytes = [0, 0, 0, 0] + $0[10].bytes[4..<64] },
        .scored("2^32 - 1 distributions", .scoreReference(.byteCount, record: nil, value: .max), at: head, [255, 255, 255, 255]),
        .scored("reserved bytes of the reference's head", .notZero(.scoreReference, byteOffset: head + 15), at: head + 15, [1]),
        .scored("no word for what the scores were counted on", .badText(.scoreReference, byteOffset: head + 16), at: head + 16, [UInt8](repeating: 0, count: 32)),
        .scored("a reference of no cases", .scoreReference(.cases, record: nil, value: 0), at: head + 48, [0, 0]),
        .scored("reserved tail of the reference's head", .notZero(.scoreReference, byteOffset: head + 52), at: head + 52, [1]),
        .scored("scores of a label past the last", .scoreReference(.label, record: 0, value: 2), at: record, [2]),
        .scored("scores of a label that is not reported", .scoreReference(.label, record: 0, value: 0), at: record, [0]),
        .rescored("scores of a model without an activation", .scoreReference(.label, record: 0, value: 1)) {
            $0.operatingPoints = nil
            $0.labels.activation = .none
            $0.labels.isCalibrated = false
            $0.labels.labels[1].threshold = nil
            $0.labels.labels[1].operatingPoint = ""
        },
        .resorted("one label's scores twice", .scoreReference(.order, record: 1, value: 1)) {
            $0[10].bytes = [2, 0, 0, 0] + $0[10].bytes[4...] + $0[10].bytes[64...]
        },
        .scored("one bin", .scoreReference(.binCount, record: 0, value: 1), at: record + 4, [1]),
        .scored("sixteen bins", .scoreReference(.binCount, record: 0, value: 16), at: record + 4, [16]),
        .scored("a bin without cases", .scoreReference(.cases, record: 0, value: 0), at: counts + 4, [0]),
        .scored("bins that are fewer than the cases", .scoreReference(.cases, record: 0, value: 623), at: counts + 12, [23]),
        .scored("bins of 2^32 - 1 cases", .scoreReference(.cases, record: 0, value: .max), at: counts, [UInt8](repeating: 255, count: 16)),
        .scored("a count past the bins", .notZero(.scoreDistribution(0), byteOffset: counts + 16), at: counts + 16, [1]),
        .scored("an edge of 0", .scoreReference(.edge, record: 0, value: 0), at: edges, f32(0)),
        .scored("edges that descend", .scoreReference(.edge, record: 0, value: bits(0.125)), at: edges + 4, f32(0.125)),
        .scored("one edge twice", .scoreReference(.edge, record: 0, value: bits(0.25)), at: edges + 4, f32(0.25)),
        .scored("an edge above 1", .scoreReference(.edge, record: 0, value: bits(Float(1).nextUp)), at: edges + 8, f32(Float(1).nextUp)),
        .scored("an edge that is no number", .scoreReference(.edge, record: 0, value: bits(.nan)), at: edges + 4, f32(.nan)),
        .scored("an edge past the bins", .notZero(.scoreDistribution(0), byteOffset: edges + 12), at: edges + 12, [1]),
        .scored("reserved tail of a distribution", .notZero(.scoreDistribution(0), byteOffset: record + 127), at: record + 127, [1]),
    ]
}
