"""What ranch costs, as ratios against floors and peers measured in the same run: ``make bench``."""
