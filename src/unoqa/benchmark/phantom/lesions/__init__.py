"""Lesions: disease of the retina, which a good scan shows as it shows all else; each file is one."""
