"""Metadata is in setup.cfg; here is what it cannot say: packages live under three source roots."""

from setuptools import find_packages, setup

ROOTS = ("harness", "drivers", "plugins")

packages: list[str] = []
package_dir: dict[str, str] = {}
for root in ROOTS:
    for package in find_packages(root):
        packages.append(package)
        if "." not in package:
            package_dir[package] = f"{root}/{package}"

setup(
    packages=packages,
    package_dir=package_dir,
    package_data={
        **{package: ["py.typed"] for package in package_dir},
        "cellrig.http.page": ["page.*"],
    },
)
