import TernFindings
import TernModel
import TernService

extension JSONText {
    /// How scores are distributed on the card's cases; null for a model that does not say it.
    mutating func value(_ reference: ScoreReference?, _ labels: [Label]) {
        guard let reference else { return null() }
        beginObject()
        member("measuredOn", reference.measuredOn)
        member("cases", reference.cases)
        key("labels")
        beginArray()
        for one in reference.labels {
            beginObject()
            member("label", labels[one.labelIndex].name)
            key("edges")
            beginArray()
            for edge in one.edges { value(edge) }
            endArray()
            key("counts")
            beginArray()
            for count in one.counts { value(count) }
            endArray()
            endObject()
        }
        endArray()
        endObject()
    }
}

extension DriftReference {
    /// What the scores of a model are held against.
    init(_ model: ModelFile) {
        self.init(
            labels: model.scoreReference?.labels.map { Label(name: model.labels.labels[$0.labelIndex].name, edges: $0.edges, counts: $0.counts) } ?? [],
            measuredOn: model.scoreReference?.measuredOn ?? "", cases: model.scoreReference?.cases ?? 0,
            falseAlarmRate: model.featureStatistics?.falseAlarmRate)
    }
}
