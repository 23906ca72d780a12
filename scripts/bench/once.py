"""One file in a GIMP of its own, for `bench.py batch`: photograph, mask and the XCF to write are its arguments."""

import sys

from gi.repository import Gimp, Gio

from gimp.pictures import load, select

photo, mask, out = sys.argv[1:]
image = load(photo)
select(image, mask)
remove = Gimp.get_pdb().lookup_procedure("photio-remove")
config = remove.create_config()
config.set_property("image", image)
config.set_core_object_array("drawables", image.get_layers())
if remove.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
    sys.exit(Gimp.get_pdb().get_last_error())
if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(out), None):
    sys.exit(f"{out} cannot be written.")
