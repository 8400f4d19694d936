import TernEngine
import TernFindings
import TernImage
import TernModel

extension Engine {
    /// The map of one label after an inference; nil for a model without maps.
    func locationMap(of label: Label, _ labels: Labels, area: PixelRectangle) -> LocationMap? { nil }
}
