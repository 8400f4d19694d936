import TernModel
import TernWriter

/// Files that break a rule of the section quality gate: its head at 40,960, rules of 64 bytes from 41,024 (view position, short side, most colour,
/// contrast).
extension MalformedCases {
    private static let head = 40_960
    private static func rule(_ index: Int) -> Int { 41_024 + 64 * index }

    static let quality: [Malformed] = [
        .regated("a quality gate that must be read", .sectionTable(.unknownFlag, record: 9, kind: 10)) { $0[9].flags = 1 },
        .regated("a quality gate before the statistics", .sectionTable(.order, record: 9, kind: 9)) { $0.swapAt(8, 9) },
        .regated("a quality gate twice", .sectionTable(.repeated, record: 10, kind: 10)) { $0.append($0[9]) },
        .regated("head of the quality gate cut off", .qualityRules(.byteCount, rule: nil, value: 63)) { $0[9].bytes.removeLast(320 - 63) },
        .regated("half a rule", .qualityRules(.byteCount, rule: nil, value: 4)) { $0[9].bytes.removeLast(32) },
        .gated("2^32 - 1 rules", .qualityRules(.byteCount, rule: nil, value: .max), at: head, [255, 255, 255, 255]),
        .regated("no rules", .qualityRules(.byteCount, rule: nil, value: 0)) { $0[9].bytes = [0, 0, 0, 0] + $0[9].bytes[4..<64] },
        .gated("reserved bytes of the gate's head", .notZero(.qualityRules, byteOffset: head + 15), at: head + 15, [1]),
        .gated("no word for what the gate was measured on", .badText(.qualityRules, byteOffset: head + 16), at: head + 16, [UInt8](repeating: 0, count: 32)),
        .gated("a gate without cases", .qualityRules(.cases, rule: nil, value: 3), at: head + 48, [0, 0, 0, 0]),
        .gated("a gate that refuses more than there were", .qualityRules(.cases, rule: nil, value: 625), at: head + 52, [0x71, 2, 0, 0]),
        .gated("reserved tail of the gate's head", .notZero(.qualityRules, byteOffset: head + 63), at: head + 63, [1]),
        .gated("criterion 0", .qualityRules(.criterion, rule: 0, value: 0), at: rule(0), [0]),
        .gated("criterion 12", .qualityRules(.criterion, rule: 3, value: 12), at: rule(3), [12]),
        .gated("least colour of a grey model", .qualityRules(.channels, rule: 2, value: 1), at: rule(2), [6]),
        .gated("criteria that descend", .qualityRules(.order, rule: 3, value: 4), at: rule(3), [4]),
        .gated("one criterion twice", .qualityRules(.order, rule: 3, value: 5), at: rule(3), [5, 0, 0, 0, 0, 0, 0, 0]),
        .gated("a threshold of a criterion that has none", .qualityRules(.threshold, rule: 0, value: Float(1).bitPattern), at: rule(0) + 4, f32: 1),
        .gated("a share above 1", .qualityRules(.threshold, rule: 2, value: Float(1).nextUp.bitPattern), at: rule(2) + 4, f32: Float(1).nextUp),
        .gated("a negative threshold", .qualityRules(.threshold, rule: 1, value: Float(-1).bitPattern), at: rule(1) + 4, f32: -1),
        .gated("a threshold that is no number", .qualityRules(.threshold, rule: 3, value: Float.nan.bitPattern), at: rule(3) + 4, f32: .nan),
        .gated("a measured rule without cases", .qualityRules(.cases, rule: 1, value: 0), at: rule(1) + 8, [0, 0, 0, 0]),
        .gated("a rule that refuses more than there were", .qualityRules(.cases, rule: 3, value: 625), at: rule(3) + 12, [0x71, 2, 0, 0]),
        .gated("no view position", .badText(.qualityRule(0), byteOffset: rule(0) + 16), at: rule(0) + 16, [UInt8](repeating: 0, count: 48)),
        .gated("text of a criterion that has none", .notZero(.qualityRule(1), byteOffset: rule(1) + 63), at: rule(1) + 63, [65]),
    ]
}
