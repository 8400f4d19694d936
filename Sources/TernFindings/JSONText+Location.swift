import TernImage

extension JSONText {
    /// A location as an object: the method and its regions; members that a region has not are left out.
    @inline(never)
    public mutating func value(_ location: FindingLocation) {
        beginObject()
        member("method", location.method.rawValue)
        key("regions")
        beginArray()
        for region in location.regions {
            beginObject()
            member("x", region.box.x)
            member("y", region.box.y)
            member("width", region.box.width)
            member("height", region.box.height)
            member("share", region.share)
            if let side = region.side { member("side", side.rawValue) }
            if let lengths = region.millimetres {
                key("millimetres")
                value(lengths)
            }
            endObject()
        }
        endArray()
        endObject()
    }

    private mutating func value(_ lengths: FindingRegion.Millimetres) {
        beginObject()
        member("x", lengths.x)
        member("y", lengths.y)
        member("width", lengths.width)
        member("height", lengths.height)
        member("at", lengths.isAtDetector ? "detector" : "patient")
        endObject()
    }
}

extension JSONText {
    /// The maps of a picture, `tern.maps/1`, as one object: frame, sides of the decoded image and of the picture, and each map.
    public mutating func value(_ evidence: Evidence) {
        beginObject()
        member("schema", "tern.maps/1")
        member("frame", evidence.frame)
        key("image")
        sides(evidence.imageWidth, evidence.imageHeight)
        key("picture")
        sides(evidence.picture.width, evidence.picture.height)
        key("maps")
        beginArray()
        for map in evidence.maps { value(map) }
        endArray()
        endObject()
    }

    /// A map as an object: label, method, grid, values in row-major order, and the area in pixels of the decoded image.
    public mutating func value(_ map: LocationMap) {
        beginObject()
        member("label", map.label)
        member("method", map.method.rawValue)
        member("columns", map.columns)
        member("rows", map.rows)
        key("values")
        beginArray()
        for number in map.values { value(number) }
        endArray()
        key("area")
        beginObject()
        member("x", map.area.x)
        member("y", map.area.y)
        member("width", map.area.width)
        member("height", map.area.height)
        endObject()
        endObject()
    }

    private mutating func sides(_ width: Int, _ height: Int) {
        beginObject()
        member("width", width)
        member("height", height)
        endObject()
    }
}
