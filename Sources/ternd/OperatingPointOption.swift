import TernFindings
import TernModel

extension Arguments {
    static let operatingPoint = "--operating-point"

    /// The model's labels at the operating point that the option names; at their own without it.
    ///
    /// - Throws: `Failure` with code 64, which lists the names, unless every reported label has that point.
    func labels(of model: ModelFile) throws(Failure) -> Labels {
        var chosen = model.labels
        guard let name = value(Self.operatingPoint) else { return chosen }
        var isUsed = false
        for (index, label) in model.labels.labels.enumerated() where label.isReported {
            var names = label.operatingPoint
            var threshold = label.threshold != nil && names == name ? label.threshold : nil
            var separator = ""
            for point in model.operatingPoints where point.labelIndex == index {
                if separator.isEmpty { names = "" }
                names += separator + point.name
                separator = ", "
                if point.name == name { threshold = point.threshold }
            }
            guard let threshold else {
                throw Failure(.usage, "\(place(Self.operatingPoint)): the label \(label.name) has " + (names.isEmpty ? "none" : "only \(names)"))
            }
            chosen.labels[index].threshold = threshold
            chosen.labels[index].operatingPoint = name
            isUsed = true
        }
        guard isUsed else { throw Failure(.usage, "\(place(Self.operatingPoint)): the model reports no label") }
        return chosen
    }
}

extension MeasuredShare {
    /// `0.95 (0.91 to 0.97)`.
    var text: String { "\(value.description) (\(low.description) to \(high.description))" }
}

extension JSONText {
    /// The points of a label with their figures.
    mutating func member(_ name: String, _ points: [OperatingPoint], label: Int) {
        key(name)
        beginArray()
        for point in points where point.labelIndex == label {
            beginObject()
            member("name", point.name)
            member("threshold", point.threshold)
            member("sensitivity", point.sensitivity)
            member("specificity", point.specificity)
            member("positives", point.positives)
            member("negatives", point.negatives)
            endObject()
        }
        endArray()
    }

    private mutating func member(_ name: String, _ share: MeasuredShare) {
        key(name)
        beginObject()
        member("value", share.value)
        member("low", share.low)
        member("high", share.high)
        endObject()
    }
}
