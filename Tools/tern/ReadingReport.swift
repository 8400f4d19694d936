import TernConvert
import TernModel
import TernPlatform

/// What a report says of the rules by which scores are read.
struct ReadingReport {
    let file: ModelFile

    /// `stated` is that of the file; the thresholds are confirmed when it is `computed`.
    var confirmation: JSONValue {
        .object([
            JSONMember("computed", .string(Hexadecimal.string(file.confirmation))),
            JSONMember("stated", file.readingRules?.confirmation.map { .string(Hexadecimal.string($0)) } ?? .null),
            JSONMember("confirmed", .boolean(file.isConfirmed)),
        ])
    }

    /// In the form of a description, without the confirmation; `null` for a file without rules.
    var rules: JSONValue {
        guard let rules = file.readingRules else { return .null }
        var members = [JSONMember("chosenOn", .string(rules.chosenOn)), JSONMember("measuredOn", .string(rules.measuredOn))]
        if !rules.region.isEmpty {
            var region = [JSONMember("key", .string(rules.region))]
            if let code = rules.regionCode {
                region.append(
                    JSONMember(
                        "code",
                        .object([
                            JSONMember("scheme", .string(code.scheme)), JSONMember("value", .string(code.value)), JSONMember("meaning", .string(code.meaning)),
                        ])))
            }
            members.append(JSONMember("region", .object(region)))
        }
        if let level = rules.conformalLevel { members.append(JSONMember("conformalLevel", real(level))) }
        let labels = zip(file.labels.labels, rules.labels).map { label, one in
            var told = [JSONMember("name", .string(label.name))]
            if !one.structure.isEmpty { told.append(JSONMember("structure", .string(one.structure))) }
            if !one.chineseName.isEmpty { told.append(JSONMember("chineseName", .string(one.chineseName))) }
            if let tiers = one.tiers { told.append(JSONMember("tiers", value(tiers))) }
            if let set = one.conformal {
                told.append(
                    JSONMember(
                        "conformal",
                        .object([JSONMember("least", real(set.least)), JSONMember("cases", whole(set.cases)), JSONMember("covered", whole(set.covered))])))
            }
            return JSONValue.object(told)
        }
        members.append(JSONMember("labels", .array(labels)))
        return .object(members)
    }

    private func value(_ tiers: TierRules) -> JSONValue {
        func bound(_ bound: Float) -> JSONValue { (0...1).contains(bound) ? real(bound) : .null }
        var members = [
            JSONMember("negativeHigh", bound(tiers.negativeHigh)), JSONMember("negativeMedium", bound(tiers.negativeMedium)),
            JSONMember("positiveMedium", bound(tiers.positiveMedium)), JSONMember("positiveHigh", bound(tiers.positiveHigh)),
        ]
        for (index, name) in TierRules.tierNames.enumerated() {
            func pair(_ count: TierRules.Count) -> JSONValue { .array([whole(count.right), whole(count.cases)]) }
            members.append(
                JSONMember(
                    name,
                    .object([JSONMember("positive", pair(tiers.counts[2 * index])), JSONMember("negative", pair(tiers.counts[2 * index + 1]))])))
        }
        return .object(members)
    }

    var lines: [String] {
        var lines = ["confirmed   \(file.isConfirmed ? "yes" : "no, every call is review"), by \(Hexadecimal.string(file.confirmation))"]
        guard let rules = file.readingRules else { return lines }
        lines.append("region      \(rules.region.isEmpty ? "not said" : rules.region)" + (rules.regionCode.map { " \($0.scheme) \($0.value) \"\($0.meaning)\"" } ?? ""))
        for (label, one) in zip(file.labels.labels, rules.labels) {
            guard let tiers = one.tiers else { continue }
            lines.append("tiers       \(label.name), chosen on \(rules.chosenOn), right calls on \(rules.measuredOn)")
            for (index, name) in TierRules.tierNames.enumerated() {
                let (positive, negative) = (tiers.counts[2 * index], tiers.counts[2 * index + 1])
                lines.append("            \(name): positive \(positive.right) of \(positive.cases), negative \(negative.right) of \(negative.cases)")
            }
        }
        if let level = rules.conformalLevel {
            lines.append("sets        conformal, level \(level), measured on \(rules.measuredOn)")
            for (label, one) in zip(file.labels.labels, rules.labels) {
                guard let set = one.conformal else { continue }
                lines.append("            \(label.name): from \(set.least), held \(set.covered) of \(set.cases)")
            }
        }
        return lines
    }
}

private func whole(_ value: Int) -> JSONValue { .number(Double(value)) }
/// The shortest decimal that reads back as the same binary32 value.
private func real(_ value: Float) -> JSONValue { .number(Double("\(value)") ?? Double(value)) }
