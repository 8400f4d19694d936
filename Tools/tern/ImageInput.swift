import Foundation
import TernImage
import TernModel
import TernPlatform
import TernPrepare

/// Decodes an image file and prepares it as the model's recipe says.
func preparedImage(_ path: String, _ model: ModelFile) throws(Failure) -> [Float] {
    let mapping = try mapFile(path)
    let bytes = mapping.bytes
    guard let kind = ImageKind(recognising: bytes) else {
        throw Failure(.badInput, "\(path) is neither DICOM, NIfTI, JPEG nor PNG; leave it out")
    }
    do throws(PrepareError) {
        let file = try ImageFile(parsing: bytes, as: kind)
        try file.checkModality(model.recipe)
        return try prepare(try file.onlyFrame(of: bytes), recipe: model.recipe).values
    } catch {
        throw Failure(.badInput, "\(path): \(error.message)")
    }
}

/// Prepares the pixels of an image that came without a file of its own, as those of a PNG file.
func preparedImage(_ image: DecodedImage, _ model: ModelFile, name: String) throws(Failure) -> [Float] {
    do throws(PrepareError) {
        return try prepare(image, recipe: model.recipe).values
    } catch {
        throw Failure(.badInput, "\(name): \(error.message)")
    }
}

/// The files of a folder and its subfolders that end like images, in order of their paths; a file stands for itself.
func imageFiles(_ paths: [String]) throws(Failure) -> [String] {
    var files: [String] = []
    for path in paths {
        guard FileManager.default.fileExists(atPath: path) else { throw Failure(.cannotOpen, "there is no file or folder \(path)") }
        guard FileManager.default.fileExists(atPath: path + "/.") else {
            files.append(path)
            continue
        }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        let found = names.filter { name in [".png", ".jpg", ".jpeg", ".dcm"].contains { name.lowercased().hasSuffix($0) } }
        files += found.sorted().map { path + "/" + $0 }
    }
    guard !files.isEmpty else { throw Failure(.badInput, "no image (.png, .jpg, .jpeg, .dcm) in \(paths.joined(separator: ", "))") }
    return files
}
