public import TernImage
public import TernModel

/// The part of an image that a recipe shows its model: what a map of the model covers, in pixels of the decoded image.
///
/// Resizing takes the whole of it, and neither mirrors nor turns: a patch at column c of n covers the c-th of n equal parts of its width. Inversion moves
/// nothing, and an EXIF orientation is undone when the image is decoded.
public func usedArea(width: Int, height: Int, recipe: InputRecipe) -> PixelRectangle {
    let crop = Crop(width: width, height: height, recipe.crop)
    return PixelRectangle(x: crop.x, y: crop.y, width: crop.width, height: crop.height)
}
