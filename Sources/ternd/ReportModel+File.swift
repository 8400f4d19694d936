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
        for (index, label) in labels.labels.enumerated() {
            var reported = ReportLabel(name: label.name, code: CodedTerm(label.code), isReported: label.isReported)
            reported.operatingPoint = ReportOperatingPoint(label, model.operatingPoints.filter { $0.labelIndex == index })
            self.labels.append(reported)
        }
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
