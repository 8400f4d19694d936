import TernModel
import TernWriter

/// Files that break a rule of the section reading rules: its head at 49,152, records of 256 bytes at 49,408 (label 0) and 49,664 (label 1, with tiers).
extension MalformedCases {
    private static let head = 49_152
    private static let record = 49_664
    private static let bounds = record + 100
    private static let counts = record + 116
    private static let set = record + 164
    private static func bits(_ value: Float) -> UInt32 { value.bitPattern }
    private static func f32(_ value: Float) -> [UInt8] { little(UInt64(value.bitPattern), 4) }

    static let reading: [Malformed] = [
        .reordered("reading rules that must be read", .sectionTable(.unknownFlag, record: 11, kind: 12)) { $0[11].flags = 1 },
        .reordered("reading rules twice", .sectionTable(.repeated, record: 12, kind: 12)) { $0.append($0[11]) },
        .reordered("head of the reading rules cut off", .readingRules(.byteCount, label: nil, value: 255)) { $0[11].bytes.removeLast(513) },
        .reordered("reading rules of one label of two", .readingRules(.byteCount, label: nil, value: 2)) { $0[11].bytes.removeLast(256) },
        .read("2^32 - 1 labels' rules", .readingRules(.byteCount, label: nil, value: .max), at: head, [255, 255, 255, 255]),
        .read("unknown flag of the reading rules", .readingRules(.flags, label: nil, value: 3), at: head + 4, [3]),
        .read("a conformal level of 1", .readingRules(.level, label: nil, value: bits(1)), at: head + 8, f32(1)),
        .read("a conformal level of 0", .readingRules(.level, label: nil, value: 0), at: head + 8, f32(0)),
        .read("a conformal level that is no number", .readingRules(.level, label: nil, value: bits(.nan)), at: head + 8, f32(.nan)),
        .read("a level without sets", .readingRules(.level, label: nil, value: bits(0.875)), at: head + 4, [0]),
        .reread("sets without a softmax", .readingRules(.level, label: nil, value: bits(0.875))) { $0.labels.activation = .sigmoid },
        .read("reserved bytes of the rules' head", .notZero(.readingRules, byteOffset: head + 15), at: head + 15, [1]),
        .read("no word for what was chosen on", .badText(.readingRules, byteOffset: head + 48), at: head + 48, [UInt8](repeating: 0, count: 32)),
        .read("no word for what was measured on", .badText(.readingRules, byteOffset: head + 80), at: head + 80, [UInt8](repeating: 0, count: 32)),
        .read("a region that is no text", .badText(.readingRules, byteOffset: head + 114), at: head + 114, [200]),
        .read("a region's code without its value", .readingRules(.region, label: nil, value: 1), at: head + 160, [UInt8](repeating: 0, count: 32)),
        .read("a code without a region", .readingRules(.region, label: nil, value: 0), at: head + 112, [UInt8](repeating: 0, count: 32)),
        .read("a structure that is no text", .badText(.readingRule(1), byteOffset: record + 1), at: record + 1, [10]),
        .read("a Chinese name cut within a character", .readingRules(.name, label: 1, value: 0x0000_82E8), at: record + 32, [0xE8, 0x82, 0, 0, 0, 0]),
        .read("a Chinese name that is not UTF-8", .readingRules(.name, label: 1, value: 0xBA82_FFE8), at: record + 33, [0xFF, 0x82, 0xBA]),
        .read("a Chinese name with a line feed", .readingRules(.name, label: 1, value: 0x0000_0A61), at: record + 32, [0x61, 0x0A, 0, 0, 0, 0]),
        .read("something behind a Chinese name", .readingRules(.name, label: 1, value: 0x0000_0061), at: record + 32, [0x61, 0, 0, 0, 0x61, 0]),
        .read("a Chinese name without its end", .readingRules(.name, label: 1, value: 0x6161_6161), at: record + 32, [UInt8](repeating: 0x61, count: 64)),
        .read("unknown flag of a label's rules", .readingRules(.flags, label: 1, value: 2), at: record + 96, [2]),
        .read("tiers of a label without a threshold", .readingRules(.flags, label: 0, value: 1), at: record - 256 + 96, [1]),
        .read("bounds of a label without tiers", .notZero(.readingRule(0), byteOffset: record - 256 + 103), at: record - 256 + 100, f32(0.5)),
        .read("a bound below 0", .readingRules(.bound, label: 1, value: bits(-0.5)), at: bounds, f32(-0.5)),
        .read("a bound above 1", .readingRules(.bound, label: 1, value: bits(1.5)), at: bounds + 12, f32(1.5)),
        .read("a bound that is no number", .readingRules(.bound, label: 1, value: bits(.nan)), at: bounds + 4, f32(.nan)),
        .read("none of the other side", .readingRules(.bound, label: 1, value: bits(2)), at: bounds + 4, f32(2)),
        .read("bounds that descend", .readingRules(.bound, label: 1, value: bits(0.25)), at: bounds, f32(0.5)),
        .read("more right calls than calls", .readingRules(.count, label: 1, value: 41), at: counts + 4, [41]),
        .read("a set from above 1 on", .readingRules(.bound, label: 1, value: bits(Float(1).nextUp)), at: set, f32(Float(1).nextUp)),
        .read("more covered cases than cases", .readingRules(.count, label: 1, value: 391), at: set + 8, [0x87, 0x01]),
        .read("reserved tail of a label's rules", .notZero(.readingRule(1), byteOffset: record + 255), at: record + 255, [1]),
        .reread("a set of a label without a level", .notZero(.readingRule(0), byteOffset: record - 256 + 168)) {
            $0.readingRules?.conformalLevel = nil
        },
    ]
}
