public import TernImage
public import TernModel

/// Finds annotation that is burned into a picture: lines of letters with steep edges, bright on dark or dark on bright, about level.
///
/// Ink is what stands out from the mean of the pixels around it. A connected piece of ink counts as a letter when it has the height, the form and the
/// steep edges of one; letters of like height and brightness on one base line make a line. Three letters are a line of their own when they are bright, four when they are
/// dark; pairs and single letters count beside a line. What the scanner imaged seldom has such edges, because its point spread is wider. Markers of lead on a radiograph
/// are letters too and are found where three stand in a line.
///
/// - Parameter plane: as it is shown, at its own resolution; letters of 5 ... 64 pixels are found.
/// - Returns: one rectangle a line, from top to bottom and left to right, with a margin of two pixels and an eighth of the height; they may overlap.
/// - Cost: about 20 operations a pixel, and time bounded by the plane's size whatever is in it.
public func textRegions(in plane: GreyPlane) -> [PixelRectangle] {
    var found = accepted(lines(of: glyphs(in: plane, joinsLetters: true)), least: 3)
    var inverted = plane
    for index in inverted.values.indices { inverted.values[index] = 255 - inverted.values[index] }
    found += accepted(lines(of: glyphs(in: inverted, joinsLetters: false)), least: 4)
    let regions = found.map { line in
        let margin = 2 + (line.bottom - line.top) / 8
        let (x, y) = (max(line.left - margin, 0), max(line.top - margin, 0))
        return PixelRectangle(
            x: x, y: y, width: min(line.right + margin, plane.width) - x, height: min(line.bottom + margin, plane.height) - y)
    }
    return regions.sorted { ($0.y, $0.x) < ($1.y, $1.x) }
}

/// The share of a field that lies under any of some rectangles, 0 ... 1.
///
/// - Precondition: the field has pixels.
public func coveredShare(of field: PixelRectangle, by regions: [PixelRectangle]) -> Float {
    precondition(field.width > 0 && field.height > 0, "a field has pixels")
    var covered = 0
    for y in field.y..<(field.y + field.height) {
        // The end of what is counted so far in this row; regions ascend by their left side.
        var end = field.x
        for region in regions.filter({ $0.y <= y && y < $0.y + $0.height }).sorted(by: { $0.x < $1.x }) {
            let right = min(region.x + region.width, field.x + field.width)
            if right > max(end, region.x) { covered += right - max(end, region.x) }
            end = max(end, right)
        }
    }
    return Float(Double(covered) / Double(field.width * field.height))
}

/// Rounds in which lines draw in the pairs and single letters beside them.
private let limitRounds = 4

/// Lines with enough letters, and those of fewer letters that belong to them.
private func accepted(_ lines: [TextLine], least: Int) -> [TextLine] {
    var found = lines.filter { $0.glyphCount >= least && $0.isLevel }
    var rest = lines.filter { $0.glyphCount < least }
    // Texture has many letters and no lines: what is looked at stays bounded.
    guard found.count <= 512 else { return found }
    var newest = found[...]
    for _ in 0..<limitRounds where !newest.isEmpty {
        let drawn = rest.filter { line in newest.contains { $0.attracts(line) } }
        // Among many strays a line draws texture.
        guard drawn.count <= 2 * found.count + 4 else { return found }
        rest = rest.filter { line in !newest.contains { $0.attracts(line) } }
        found += drawn
        newest = drawn[...]
    }
    return found
}

/// The longer side of the plane in which the gate looks for text: enough for the letters of a scanner, and a bounded time.
public let textSearchLongestSide = 1024

/// The share of the field that lies under burned-in text, 0 ... 1; the field is what the recipe takes of the picture.
///
/// - Parameter plane: the whole picture, with a longer side of at most `textSearchLongestSide` so that thresholds compare.
public func textShare(in plane: GreyPlane, crop: InputRecipe.Crop) -> Float {
    var field = PixelRectangle(x: 0, y: 0, width: plane.width, height: plane.height)
    if crop == .centreSquare {
        let side = min(plane.width, plane.height)
        field = PixelRectangle(x: (plane.width - side) / 2, y: (plane.height - side) / 2, width: side, height: side)
    }
    return coveredShare(of: field, by: textRegions(in: plane))
}
