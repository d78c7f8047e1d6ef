"""Packages that training scripts import, by the name that pip knows them by; of others the name is not sure."""

import re

from harness.evidence.models import PythonError

_OF_THE_SAME_NAME = (
    "accelerate", "albumentations", "click", "datasets", "einops", "evaluate", "fire", "h5py", "huggingface_hub",
    "imageio", "kornia", "lightning", "matplotlib", "monai", "nibabel", "omegaconf", "optuna", "pandas", "peft",
    "pydantic", "rasterio", "requests", "rich", "safetensors", "scipy", "seaborn", "sentencepiece", "tabulate",
    "tensorboard", "tensorboardX", "timm", "tokenizers", "torchmetrics", "tqdm", "transformers", "trl", "typer",
    "webdataset", "xarray", "zarr",
)  # fmt: skip
_OF_ANOTHER = {
    "PIL": "pillow", "cv2": "opencv-python-headless", "dotenv": "python-dotenv", "hydra": "hydra-core",
    "netCDF4": "netCDF4", "pytorch_lightning": "pytorch-lightning", "skimage": "scikit-image",
    "sklearn": "scikit-learn", "yaml": "PyYAML",
}  # fmt: skip
PACKAGES = {**{name: name for name in _OF_THE_SAME_NAME}, **_OF_ANOTHER}
"""By the name of their import. Nothing else is guessed: under a module's name, anybody may have published anything."""


def module_of(error: PythonError) -> str:
    """The module whose import failed; empty for any other error."""
    named = re.match(r"No module named '([\w.]+)'", error.message)
    return named[1] if named and error.exception == "ModuleNotFoundError" else ""


def package_of(error: PythonError) -> str:
    """What to install for an import that failed; empty where that is not sure."""
    return PACKAGES.get(module_of(error), "")
