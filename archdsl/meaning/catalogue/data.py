"""Data sources: what `data` of a `train` can be. An `extern function` is one too."""

from archdsl.meaning.catalogue.contract import Entry, entry, setting

_FOLDER = setting("path", "str?", "The folder that holds the files; none looks where they are usually installed.", None)

ENTRIES: tuple[Entry, ...] = (
    entry("digits", "data", "1,797 handwritten digits of 8 x 8 grey pixels, which come with scikit-learn.", built=True),
    entry(
        "fashion_mnist", "data", "70,000 pieces of clothing of 28 x 28 grey pixels in 10 classes.", _FOLDER, built=True
    ),
    entry("cifar10", "data", "60,000 photos of 32 x 32 pixels in 10 classes.", _FOLDER, built=True),
    entry("cifar100", "data", "60,000 photos of 32 x 32 pixels in 100 classes.", _FOLDER, built=True),
    entry("imagenet", "data", "1.28 million photos in 1,000 classes.", _FOLDER, built=True),
    entry(
        "image_folder",
        "data",
        "A folder for each class, in `train` and `validation` where there are both.",
        setting("path", "str", "The folder above the classes or above the splits."),
        built=True,
    ),
    entry(
        "arrays", "data", "A NumPy archive of images and labels.", setting("path", "str", "The .npz file."), built=True
    ),
    entry(
        "hf",
        "data",
        "A data set of the Hugging Face hub.",
        setting("name", "str", "Its name there, such as owner/name."),
        built=True,
    ),
)
