import TernModel
import TernWriter

extension ModelDescription {
    /// `outOfDistribution` of a description: what the gate needs beyond the tensors of the checkpoint.
    public struct OutOfDistribution: Equatable, Sendable {
        public var threshold: Float
        /// One over the variance outside the directions of the basis.
        public var residualPrecision: Float
        /// Share of ordinary images that the threshold flags.
        public var falseAlarmRate: Float
    }

    static func outOfDistribution(_ root: KeyReader) throws(ConvertError) -> OutOfDistribution? {
        guard root.has("outOfDistribution") else { return nil }
        let reader = try root.child("outOfDistribution", example)
        let rate = Float(try reader.number("falseAlarmRate", "\"falseAlarmRate\": 0.01, as measured"))
        guard (0...1).contains(rate) else { throw .badKey(reader.path("falseAlarmRate"), expected: "a share from 0 to 1") }
        return OutOfDistribution(
            threshold: try positive(reader, "threshold", "1.7"), residualPrecision: try positive(reader, "residualPrecision", "12.3"),
            falseAlarmRate: rate)
    }

    /// What a description with statistics says.
    static let example = "{\"threshold\": 1.7, \"residualPrecision\": 12.3, \"falseAlarmRate\": 0.01}"

    private static func positive(_ reader: KeyReader, _ key: String, _ example: String) throws(ConvertError) -> Float {
        let value = Float(try reader.number(key, "\"\(key)\": \(example)"))
        guard value.isFinite, value > 0 else { throw .badKey(reader.path(key), expected: "a number above 0, for example \(example)") }
        return value
    }

    /// The operating points of all labels, ascending by threshold within a label; nil when none has any.
    static func operatingPoints(_ root: KeyReader) throws(ConvertError) -> DraftOperatingPoints? {
        var points: [OperatingPoint] = []
        for (index, label) in try root.children("labels").enumerated() { points += try operatingPoints(of: label, index) }
        let measuredOn = try root.optionalString("operatingPointsMeasuredOn")
        guard !points.isEmpty else {
            guard measuredOn == nil else { throw .missingKey("labels[0].operatingPoints", expected: "them, or leave operatingPointsMeasuredOn out") }
            return nil
        }
        guard let measuredOn else { throw .missingKey("operatingPointsMeasuredOn", expected: "\"operatingPointsMeasuredOn\": \"validation\"") }
        guard isPrintable(measuredOn, limit: 31) else { throw .nameTooLong(measuredOn, limit: 31) }
        return DraftOperatingPoints(points: points, measuredOn: measuredOn)
    }

    static func operatingPoints(of label: KeyReader, _ index: Int) throws(ConvertError) -> [OperatingPoint] {
        var points: [OperatingPoint] = []
        for reader in try label.children("operatingPoints") {
            let name = try reader.string("name", "\"name\": \"balanced\"")
            guard isPrintable(name, limit: 31) else { throw .nameTooLong(name, limit: 31) }
            guard !points.contains(where: { $0.name == name }) else { throw .badKey(reader.path("name"), expected: "a name that no other point has") }
            let threshold = Float(try reader.number("threshold", "\"threshold\": 0.42"))
            guard (0...1).contains(threshold) else { throw .badKey(reader.path("threshold"), expected: "a score from 0 to 1") }
            points.append(
                OperatingPoint(
                    labelIndex: index, name: name, threshold: threshold, sensitivity: try share(reader, "sensitivity"),
                    specificity: try share(reader, "specificity"), positives: try count(reader, "positives"), negatives: try count(reader, "negatives")))
        }
        guard points.count <= ModelFormat.limitOperatingPoints else {
            throw .badKey(label.path("operatingPoints"), expected: "at most \(ModelFormat.limitOperatingPoints) points")
        }
        // Sorting keeps the order of equal thresholds by their place.
        return points.enumerated().sorted { ($0.element.threshold, $0.offset) < ($1.element.threshold, $1.offset) }.map(\.element)
    }

    private static func share(_ reader: KeyReader, _ key: String) throws(ConvertError) -> MeasuredShare {
        let example = "{\"value\": 0.95, \"low\": 0.91, \"high\": 0.97}"
        let share = try reader.child(key, example)
        let found = MeasuredShare(
            value: Float(try share.number("value", example)), low: Float(try share.number("low", example)),
            high: Float(try share.number("high", example)))
        guard 0 <= found.low, found.low <= found.value, found.value <= found.high, found.high <= 1 else {
            throw .badKey(reader.path(key), expected: "0 <= low <= value <= high <= 1, for example \(example)")
        }
        return found
    }

    private static func count(_ reader: KeyReader, _ key: String) throws(ConvertError) -> Int {
        let count = try reader.integer(key, "\"\(key)\": 389")
        guard count >= 1, count <= UInt32.max else { throw .badKey(reader.path(key), expected: "the count of cases, at least 1") }
        return count
    }
}

extension DraftFeatureStatistics {
    /// The names of the tensors in a checkpoint.
    static let tensorNames = ["feature_statistics.mean", "feature_statistics.precision", "feature_statistics.basis"]

    /// Reads the statistics of a feature of `width` values: mean [width], precision [r], basis [r, width].
    ///
    /// - Returns: nil when neither checkpoint nor description has any.
    /// - Throws: `ConvertError` when one has them without the other, or a tensor has another shape.
    static func reading(_ checkpoint: Safetensors, _ description: ModelDescription, width: Int) throws(ConvertError) -> DraftFeatureStatistics? {
        let found = tensorNames.map { checkpoint.entry(named: $0) }
        guard let gate = description.outOfDistribution else {
            guard let entry = found.compactMap({ $0 }).first else { return nil }
            throw .unsupported(
                "the checkpoint has the tensor \(entry.name), but the description has no \"outOfDistribution\"; write \"outOfDistribution\": "
                    + "\(ModelDescription.example), or leave the tensors out")
        }
        var values: [[Float]] = []
        for (name, entry) in zip(tensorNames, found) {
            guard let entry else {
                throw .unsupported(
                    "the description has \"outOfDistribution\", but the checkpoint has no tensor \(name); write \(tensorNames[0]) [\(width)], "
                        + "\(tensorNames[1]) [r] and \(tensorNames[2]) [r, \(width)] into it")
            }
            let rank = values.count < 2 ? entry.shape.first ?? -1 : values[1].count
            let expected = [[width], [rank], [rank, width]][values.count]
            guard entry.shape == expected else {
                throw .shape(tensor: name, expected: values.count == 1 ? "[r]" : "\(expected)", found: entry.shape)
            }
            do { values.append(try checkpoint.values(of: entry)) } catch { throw .checkpoint(error) }
        }
        return DraftFeatureStatistics(
            threshold: gate.threshold, residualPrecision: gate.residualPrecision, falseAlarmRate: gate.falseAlarmRate, mean: values[0],
            precisions: values[1], basis: values[2])
    }
}
