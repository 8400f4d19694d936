import TernModel

/// Models/FORMAT.md section 11.
func encode(_ rules: ReadingRules) throws(WriterError) -> [UInt8] {
    var section = ByteBuilder()
    try section.appendUInt32(rules.labels.count)
    section.append(UInt32(rules.conformalLevel == nil ? 0 : 1))
    section.append(rules.conformalLevel ?? 0)
    section.appendZeros(4)
    let confirmation = rules.confirmation ?? [UInt8](repeating: 0, count: ModelFormat.digestByteCount)
    guard confirmation.count == ModelFormat.digestByteCount else {
        throw .count(tensor: "confirmation", expected: ModelFormat.digestByteCount, actual: confirmation.count)
    }
    section.append(confirmation)
    for text in [rules.chosenOn, rules.measuredOn, rules.region] { try section.append(text, byteCount: 32) }
    try section.append(rules.regionCode?.scheme ?? "", byteCount: ModelFormat.codeSchemeByteCount)
    try section.append(rules.regionCode?.value ?? "", byteCount: ModelFormat.codeValueByteCount)
    try section.append(rules.regionCode?.meaning ?? "", byteCount: 64)
    for one in rules.labels {
        try section.append(one.structure, byteCount: 32)
        let name = Array(one.chineseName.utf8)
        guard name.count < ModelFormat.chineseNameByteCount else { throw .text(one.chineseName, limitByteCount: ModelFormat.chineseNameByteCount - 1) }
        section.append(name)
        section.appendZeros(ModelFormat.chineseNameByteCount - name.count)
        section.append(UInt32(one.tiers == nil ? 0 : 1))
        if let tiers = one.tiers {
            for bound in [tiers.negativeHigh, tiers.negativeMedium, tiers.positiveMedium, tiers.positiveHigh] { section.append(bound) }
            guard tiers.counts.count == 6 else { throw .count(tensor: "tiers", expected: 6, actual: tiers.counts.count) }
            for count in tiers.counts {
                try section.appendUInt32(count.cases)
                try section.appendUInt32(count.right)
            }
        } else {
            section.appendZeros(64)
        }
        section.append(one.conformal?.least ?? 0)
        try section.appendUInt32(one.conformal?.cases ?? 0)
        try section.appendUInt32(one.conformal?.covered ?? 0)
        section.appendZeros(80)
    }
    return section.bytes
}
