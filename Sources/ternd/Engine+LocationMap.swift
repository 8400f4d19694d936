import TernEngine
import TernFindings
import TernImage
import TernModel

extension Engine {
    /// The map of one label after an inference; nil for a model without maps, and where a value is past the range of numbers.
    func locationMap(of label: Label, _ labels: Labels, area: PixelRectangle) -> LocationMap? {
        guard let shape = mapShape else { return nil }
        var values = [Float](repeating: 0, count: shape.count)
        do throws(EngineError) {
            var span = values.mutableSpan
            _ = try makeMap(of: label, in: labels, into: &span)
        } catch {
            return nil
        }
        guard values.allSatisfy({ $0.isFinite }) else { return nil }
        return LocationMap(
            method: shape.method == .patchShares ? .patchShares : .tokenRelevance, label: label.name, columns: shape.columns, rows: shape.rows,
            values: values, area: area)
    }
}
