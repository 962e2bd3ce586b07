grep -q Hello site.html && echo "$SITE says hello"
