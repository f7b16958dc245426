"""Pages whose forms are posted: what is asked or changed stands in no address."""
