import TernFindings
import TernModel

extension ReportModel {
    /// What the file says, with the thresholds of `labels`, which are the model's labels at the operating point in use.
    init(_ model: ModelFile, labels: Labels) {
        self.init(reference: ModelReference(model))
        let card = ModelCard(reading: model.card)
        title = card.title
        intendedUse = card.intendedUse
        notIntendedUse = card.notIntendedUse
        limits = card.limits
        modality = model.recipe.modality
        isConfirmed = model.isConfirmed
        let rules = model.readingRules
        if let rules {
            if !rules.region.isEmpty { region = BodyRegion(key: rules.region, code: CodedTerm(rules.regionCode)) }
            tiersMeasuredOn = rules.measuredOn
            conformalLevel = rules.conformalLevel
        }
        for (index, label) in labels.labels.enumerated() {
            var reported = ReportLabel(name: label.name, code: CodedTerm(label.code), isReported: label.isReported)
            reported.operatingPoint = ReportOperatingPoint(label, model.operatingPoints.filter { $0.labelIndex == index })
            if let rule = rules?.labels[index] {
                reported.structure = rule.structure
                reported.chineseName = rule.chineseName.isEmpty ? nil : rule.chineseName
                // They were counted at the file's own threshold.
                reported.tiers = label.threshold == model.labels.labels[index].threshold ? rule.tiers.map { [ReportTier]($0) } ?? [] : []
            }
            self.labels.append(reported)
        }
    }
}

extension [ReportTier] {
    fileprivate init(_ rules: TierRules) {
        self = []
        for (index, tier) in [Tier.high, .medium, .review].enumerated() {
            let (positive, negative) = (rules.counts[2 * index], rules.counts[2 * index + 1])
            append(
                ReportTier(
                    tier: tier, positives: positive.cases, rightPositives: positive.right, negatives: negative.cases, rightNegatives: negative.right))
        }
    }
}

extension TierBounds {
    init(_ rules: TierRules) {
        self.init(
            negativeHigh: rules.negativeHigh, negativeMedium: rules.negativeMedium, positiveMedium: rules.positiveMedium,
            positiveHigh: rules.positiveHigh)
    }
}

extension ReportOperatingPoint {
    /// Nil for a label without a threshold; `points` are those that the file has for it.
    fileprivate init?(_ label: Label, _ points: [OperatingPoint]) {
        guard let threshold = label.threshold else { return nil }
        self.init(name: label.operatingPoint, threshold: threshold)
        guard let measured = points.first(where: { $0.threshold == threshold && $0.name == label.operatingPoint }) else { return }
        sensitivity = Share(measured.sensitivity)
        specificity = Share(measured.specificity)
        positives = measured.positives
        negatives = measured.negatives
    }
}

extension ReportOperatingPoint.Share {
    fileprivate init(_ share: MeasuredShare) { self.init(value: share.value, low: share.low, high: share.high) }
}
