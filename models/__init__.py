"""The embedded networks: for each an ONNX file, a card (``.md``) and its licence.

``scripts/build_models.py`` builds the files; nothing is downloaded at run time.
"""
