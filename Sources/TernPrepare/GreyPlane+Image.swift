public import TernImage
import TernModel

/// A picture as it is shown, in grey: the greyscale steps of the file (rescale, window, inversion) or its own samples, colour as luminance, shrunk by a
/// box where it is larger. What the search for burned-in text looks at.
///
/// - Shapes: the longer side has at most `longestSide` pixels; a smaller picture keeps its size. The ratio of the sides is kept to a pixel.
/// - Precondition: `longestSide` is positive, and the image's samples have the count of its shape.
/// - Cost: one pass over the image.
public func greyPlane(of image: DecodedImage, longestSide: Int) -> GreyPlane {
    precondition(longestSide > 0, "a plane has pixels")
    let recipe = boxRecipe(width: image.width, height: image.height, longestSide: longestSide)
    // Without a window of the recipe's own, and without one that cannot be used, there is nothing that preparing refuses.
    var image = image
    if case .unusable = image.greyscale?.voi { image.greyscale?.voi = nil }
    return plane(try? prepare(image, recipe: recipe), recipe)
}

/// The same of a picture in memory that somebody else holds.
///
/// - Precondition: `bytes` hold `pixels.byteCount` bytes at least.
public func greyPlane(of pixels: RawPixels, in bytes: RawSpan, longestSide: Int) -> GreyPlane {
    precondition(longestSide > 0, "a plane has pixels")
    let recipe = boxRecipe(width: pixels.width, height: pixels.height, longestSide: longestSide)
    return plane(try? prepare(pixels, in: bytes, recipe: recipe), recipe)
}

private func boxRecipe(width: Int, height: Int, longestSide: Int) -> InputRecipe {
    let longer = max(width, height)
    let shrinks = longer > longestSide
    func side(_ count: Int) -> Int { shrinks ? max((count * longestSide + longer / 2) / longer, 1) : count }
    return InputRecipe(
        modality: "", channels: 1, height: side(height), width: side(width), crop: .stretch, filter: .box, intensity: .fileWindow, scale: [1], offset: [0])
}

private func plane(_ prepared: PreparedInput?, _ recipe: InputRecipe) -> GreyPlane {
    let values = prepared?.values ?? [Float](repeating: 0, count: recipe.width * recipe.height)
    return GreyPlane(width: recipe.width, height: recipe.height, values: values.map { UInt8(min(max($0.rounded(.toNearestOrEven), 0), 255)) })
}
