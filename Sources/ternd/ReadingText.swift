import TernFindings
import TernModel

/// What `ternd info` says of the rules by which scores are read.
func readingText(_ rules: ReadingRules, _ labels: Labels) -> String {
    var text = "region: " + (rules.region.isEmpty ? "not said\n" : rules.region + "\n")
    for (index, rule) in rules.labels.enumerated() {
        guard let tiers = rule.tiers else { continue }
        text += "tiers: \(labels.labels[index].name), chosen on \(rules.chosenOn), measured on \(rules.measuredOn)\n"
        for (tier, name) in TierRules.tierNames.enumerated() {
            let (positive, negative) = (tiers.counts[2 * tier], tiers.counts[2 * tier + 1])
            text += "  \(name): \(positive.right) of \(positive.cases) positive calls right, \(negative.right) of \(negative.cases) negative ones\n"
        }
    }
    guard let level = rules.conformalLevel else { return text }
    text += "conformal sets: level \(level.description), measured on \(rules.measuredOn)\n"
    for (index, rule) in rules.labels.enumerated() {
        guard let set = rule.conformal else { continue }
        text += "  \(labels.labels[index].name): from \(set.least.description), covered \(set.covered) of \(set.cases)\n"
    }
    return text
}

extension JSONText {
    /// The reading rules of a model as `GET /v1/model` tells them; `null` for a file without any.
    mutating func value(_ rules: ReadingRules?, _ labels: Labels) {
        guard let rules else { return null() }
        beginObject()
        member("chosenOn", rules.chosenOn)
        member("measuredOn", rules.measuredOn)
        member("region", rules.region.isEmpty ? nil : rules.region)
        member("conformalLevel", rules.conformalLevel)
        key("labels")
        beginArray()
        for (index, rule) in rules.labels.enumerated() {
            beginObject()
            member("label", labels.labels[index].name)
            member("chineseName", rule.chineseName.isEmpty ? nil : rule.chineseName)
            member("structure", rule.structure.isEmpty ? nil : rule.structure)
            key("tiers")
            value(rule.tiers)
            key("conformal")
            value(rule.conformal)
            endObject()
        }
        endArray()
        endObject()
    }

    private mutating func value(_ rules: TierRules?) {
        guard let rules else { return null() }
        beginObject()
        member("negativeHigh", bound(rules.negativeHigh))
        member("negativeMedium", bound(rules.negativeMedium))
        member("positiveMedium", bound(rules.positiveMedium))
        member("positiveHigh", bound(rules.positiveHigh))
        for (tier, name) in TierRules.tierNames.enumerated() {
            key(name)
            beginObject()
            member("positives", rules.counts[2 * tier].cases)
            member("rightPositives", rules.counts[2 * tier].right)
            member("negatives", rules.counts[2 * tier + 1].cases)
            member("rightNegatives", rules.counts[2 * tier + 1].right)
            endObject()
        }
        endObject()
    }

    /// Nil for a bound that no score reaches.
    private func bound(_ value: Float) -> Float? { (0...1).contains(value) ? value : nil }

    private mutating func value(_ rule: ConformalRule?) {
        guard let rule else { return null() }
        beginObject()
        member("least", rule.least)
        member("cases", rule.cases)
        member("covered", rule.covered)
        endObject()
    }
}
