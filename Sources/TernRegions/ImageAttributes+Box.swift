import TernFindings
import TernImage

extension ImageAttributes {
    /// A box in millimetres from the image's left and upper edge, to a hundredth; nil where the file states no scale.
    ///
    /// Pixel Spacing counts before Imager Pixel Spacing. Where both are there and equal, nothing was corrected for magnification and the distances are those
    /// at the detector (PS3.3 2024d 10.7.1.3).
    func millimetres(of box: PixelRectangle) -> FindingRegion.Millimetres? {
        guard let spacing = pixelSpacing ?? imagerPixelSpacing else { return nil }
        func length(_ count: Int, _ spacing: Double) -> Double { (Double(count) * spacing * 100).rounded() / 100 }
        return FindingRegion.Millimetres(
            x: length(box.x, spacing.column), y: length(box.y, spacing.row), width: length(box.width, spacing.column),
            height: length(box.height, spacing.row), isAtDetector: pixelSpacing == nil || pixelSpacing == imagerPixelSpacing)
    }

    /// The patient's side of a box; nil where the file does not tell, and for a box that reaches over the middle of the image.
    ///
    /// The laterality of a paired part holds for the whole image. Otherwise the half of the image counts in which the box lies, when rows or columns run to
    /// the patient's left or right. That the image's middle is the patient's is taken for granted.
    func side(of box: PixelRectangle, imageWidth: Int, imageHeight: Int) -> FindingRegion.Side? {
        if let laterality {
            if laterality.utf8.elementsEqual("R".utf8) { return .right }
            if laterality.utf8.elementsEqual("L".utf8) { return .left }
        }
        if let side = rowDirection?.side { return half(box.x, box.width, of: imageWidth, growing: side) }
        if let side = columnDirection?.side { return half(box.y, box.height, of: imageHeight, growing: side) }
        return nil
    }

    private func half(_ start: Int, _ count: Int, of side: Int, growing end: FindingRegion.Side) -> FindingRegion.Side? {
        if start * 2 >= side { return end }
        return (start + count) * 2 <= side ? end.opposite : nil
    }
}

extension FindingRegion.Side {
    fileprivate var opposite: FindingRegion.Side { self == .left ? .right : .left }
}

extension ImageAttributes.Direction {
    fileprivate var side: FindingRegion.Side? {
        switch self {
        case .left: .left
        case .right: .right
        default: nil
        }
    }
}
